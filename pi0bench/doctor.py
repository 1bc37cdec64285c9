"""What this machine lacks for pi0bench, and what to do about it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from rich.console import Console

from pi0bench.errors import Pi0benchError
from pi0bench.machine import processor
from pi0bench.machine.instruction_set import instructions
from pi0bench.machine.package_versions import outside
from pi0bench.machine.worker_count import processes
from pi0bench.report.terminal_grid import Column, Line, print_grid

ROOM_GB = 2.0
_PROBE = """
import sys
from pi0bench.envs.render.choose_renderer import driver, make
make(sys.argv[1]).close()
sys.stdout.write(driver(sys.argv[1]))
"""
_PROBE_S = 60.0


@dataclass(frozen=True)
class Finding:
    """What was found on one subject.

    Attributes:
        says: what is there.
        remedy: what would mend it; empty when nothing is wrong.
        needed: True when the benchmark cannot run without it.
    """

    says: str
    remedy: str = ""
    needed: bool = False


def packages() -> Finding:
    """Every package that pi0bench requires, in a version that it allows."""
    wrong = []
    required = map(Requirement, metadata.requires("pi0bench") or [])
    wanted = [r for r in required if r.marker is None or r.marker.evaluate({"extra": ""})]
    for requirement in wanted:
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if wrong:
        return Finding("; ".join(wrong), "install pi0bench again in a new environment", True)
    python = ".".join(map(str, sys.version_info[:3]))
    return Finding(f"Python {python}, all {len(wanted)} required packages")


def bits() -> Finding:
    """Whether the published records come out here, to the last digit."""
    says = f"{processor.name()} ({processor.model()}), {processor.level()}; measures by "
    says += instructions()
    if not processor.has_avx2():
        return Finding(says, "published numbers need AVX2 and FMA; the digits will differ")
    if strange := outside():
        again = 'the digits may differ; pip install -c constraints.txt "pi0bench"'
        return Finding("; ".join([says, *strange]), again)
    return Finding(f"{says}: the published records come out to the last digit")


def opengl() -> Finding:
    """A context for `gl`, tried in a process of its own, since a broken driver can crash."""
    trouble, driver = _drawing("gl")
    if not trouble:
        return Finding(f"works: {driver} (MUJOCO_GL={os.environ.get('MUJOCO_GL', 'unset')})")
    remedy = (
        "pictures are drawn on the CPU meanwhile, and numbers drawn by tiny are not those drawn by "
        "gl; install libegl1 or libosmesa6, and set MUJOCO_GL to egl or osmesa"
    )
    return Finding(trouble, remedy)


def tiny_renderer() -> Finding:
    """PyBullet's renderer, which needs no OpenGL."""
    trouble, _ = _drawing("tiny")
    return Finding(trouble, "install pybullet again", True) if trouble else Finding("works")


def _drawing(renderer: str) -> tuple[str, str]:
    """Why a renderer cannot be made, empty when it can; and by what it draws."""
    command = [sys.executable, "-c", _PROBE, renderer]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROBE_S)
    except subprocess.TimeoutExpired:
        return f"does not answer within {_PROBE_S:.0f} s", ""
    if done.returncode == 0:
        return "", done.stdout
    last = done.stderr.strip().splitlines()[-1:] or [f"ended with {done.returncode}"]
    return f"does not work: {last[0]}", ""


def video() -> Finding:
    """The ffmpeg that comes with imageio."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        subprocess.run([get_ffmpeg_exe(), "-version"], capture_output=True, check=True)
    except (ImportError, RuntimeError, OSError, subprocess.CalledProcessError) as error:
        return Finding(
            f"no ffmpeg: {error}", "install imageio[ffmpeg]; results do not depend on it"
        )
    return Finding("ffmpeg works")


def weights() -> Finding:
    """The weights of every trained policy, whole and with the eyes that they were trained with."""
    from pi0bench.policy import registry

    names, wrong = registry.names(), []
    trained = [name for name in names if not registry.untrained(name)]
    for name in trained:
        try:
            registry.load(name)
        except Pi0benchError as error:
            wrong.append(str(error))
    if wrong:
        return Finding("; ".join(wrong), "install pi0bench again, or train what you changed", True)
    rest = len(names) - len(trained)
    more = f", {rest} have no weights yet (pi0bench list)" if rest else ""
    return Finding(f"{len(trained)} policies can be loaded{more}")


def threads() -> Finding:
    """Cores and what else runs on them: times are measured on one core a process."""
    cores = processes(None)
    busy = os.getloadavg()[0]
    says = f"{cores} cores, load {busy:.1f}"
    if busy > 0.5 * cores:
        return Finding(says, "measured milliseconds will be too long; wait for other programs")
    return Finding(says)


def disk() -> Finding:
    """Room for runs in the present folder."""
    here = Path.cwd()
    free = shutil.disk_usage(here).free / 1e9
    if free < ROOM_GB:
        return Finding(
            f"{free:.1f} GB free in {here}", f"free {ROOM_GB:.0f} GB, or use another --out"
        )
    return Finding(f"{free:.0f} GB free in {here}")


def gpu() -> Finding:
    """A GPU, which only training can use."""
    import torch

    if torch.cuda.is_available():
        return Finding(f"{torch.cuda.get_device_name()}; pi0bench train pi0 --device cuda uses it")
    return Finding("none, and none is needed")


CHECKS: dict[str, Callable[[], Finding]] = {
    "packages": packages,
    "bits": bits,
    "OpenGL": opengl,
    "tiny renderer": tiny_renderer,
    "video": video,
    "weights": weights,
    "cores": threads,
    "disk": disk,
    "GPU": gpu,
}


def examine() -> dict[str, Finding]:
    """Carry out every check; one that breaks is a finding itself."""
    found = {}
    for subject, check in CHECKS.items():
        try:
            found[subject] = check()
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
            found[subject] = Finding(words, "install pi0bench again in a new environment", True)
    return found


def lacking(found: Mapping[str, Finding]) -> list[str]:
    """The subjects without whose remedy the benchmark cannot run."""
    return [subject for subject, finding in found.items() if finding.remedy and finding.needed]


def print_findings(found: Mapping[str, Finding], console: Console) -> None:
    """One line a subject: ok, a hint, or what is needed, and its remedy."""
    columns = [Column("", "name"), Column("", "name"), Column("", "prose")]
    lines, needed = [], lacking(found)
    for subject, finding in found.items():
        mark = "needed" if subject in needed else "hint" if finding.remedy else "ok"
        lines.append(Line([mark, subject, f"{finding.says}. {finding.remedy}".rstrip(". ")]))
    print_grid(columns, lines, console)
