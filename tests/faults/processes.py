"""The command line in a process of its own, and who is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from pi0bench.records.run_folder import RunFolder

PLAIN = ("-c", "from pi0bench.cli import main; import sys; sys.exit(main(sys.argv[1:]))")
TOYS = ("-m", "tests.faults.command")


def start(
    checkout: Path, how: tuple[str, ...], args: str, out: Path, **environment: str
) -> subprocess.Popen[str]:
    """Start `pi0bench` by two workers, into `out`, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, *how, *args.split(), "--workers", "2", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout), **environment},
        start_new_session=True,
        # A shell starts background jobs, and so perhaps this test, with Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def await_records(process: subprocess.Popen[str], out: Path, count: int) -> None:
    """Wait until so many episodes are recorded, or the process has ended."""
    deadline_s = time.monotonic() + 90
    while process.poll() is None and len(RunFolder(out).records()) < count:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def nobody_is_left(session: int, within_s: float = 20.0) -> bool:
    """True when soon every process of the session has ended; zombies have."""
    deadline_s = time.monotonic() + within_s
    while of_session(session):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True


def of_session(session: int) -> list[int]:
    """Processes that still run in a session, zombies left out."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, own = stat.read_text().rsplit(")", 1)[1].split()[:4]
        except OSError:
            continue
        if int(own) == session and state != "Z":
            found.append(int(stat.parent.name))
    return found
