"""How many processes to use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pi0bench.argument_bounds import bounded

GRANTS = ("SLURM_CPUS_PER_TASK", "PBS_NCPUS", "NSLOTS", "LSB_DJOB_NUMPROC")
"""Variables by which schedulers say how many cores a job may use: Slurm, PBS, Grid Engine, LSF."""

_CGROUPS, _OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def processes(asked: int | None) -> int:
    """As many as asked for; when nothing is, as many as there are cores for this process.

    Raises:
        UsageError: fewer than one is asked for, or more than any machine has.
    """
    if asked is not None:
        return bounded("--workers", asked)
    return max(1, min([_cores(), *_granted(), *_quotas()]))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # absent on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _granted() -> Iterator[int]:
    """What a scheduler grants, where one has started this process."""
    for name in GRANTS:
        if (said := os.environ.get(name, "")).isdecimal():
            yield int(said)


def _quotas() -> Iterator[int]:
    """Cores' worth of time that the process's control groups, such as a container's, may use."""
    try:
        lines = [line.split(":", 2) for line in _OWN.read_text().splitlines()]
    except OSError:
        return
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if "cpu" in controllers.split(","):  # version 1
            files, names = _CGROUPS / "cpu", ("cpu.cfs_quota_us", "cpu.cfs_period_us")
        elif not controllers:
            files, names = _CGROUPS, ("cpu.max",)
        else:
            continue
        place = files / path.lstrip("/")
        # Of a container's groups only those inside it can be seen, from its root on.
        for folder in (place, *place.parents):
            if folder.is_relative_to(files):
                yield from _quota(folder, names)


def _quota(folder: Path, names: tuple[str, ...]) -> Iterator[int]:
    try:
        words = " ".join((folder / name).read_text() for name in names).split()
        quota, period = int(words[0]), int(words[1])
    except (OSError, ValueError, IndexError):  # there is none here, or it says "max"
        return
    if quota > 0 and period > 0:
        yield max(1, quota // period)
