"""Ctrl-C once finishes what runs; twice stops at once; nothing that is finished is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pi0bench.evaluate.interrupts import gently
from pi0bench.results.store import RunFolder

COMMAND = "from pi0bench.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
ASKED = "run --policy random --task reach_cube --renderer tiny --episodes 60 --batch 1 --no-video"


@pytest.fixture
def started(tmp_path: Path, checkout: Path) -> subprocess.Popen[str]:
    """A run of many short episodes by two workers, some of which are finished."""
    out = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *ASKED.split(), "--workers", "2", "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        start_new_session=True,
    )
    deadline_s = time.monotonic() + 60
    while not (out / "episodes.jsonl").exists() or len(RunFolder(out).records()) < 3:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    return process


def nobody_is_left(session: int, within_s: float = 2.0) -> bool:
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_once_finishes_what_runs(
    started: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    os.kill(started.pid, number)
    said, _ = started.communicate(timeout=60)
    assert started.returncode == 130
    assert "Finishing what runs; once more stops at once." in said
    assert "interrupted; the same command continues" in said
    records = RunFolder(tmp_path / "run").records()
    assert 3 <= len(records) < 60
    assert {record.status for record in records} == {"failure"}
    assert not (tmp_path / "run" / "table.md").exists()
    assert nobody_is_left(started.pid)


def test_twice_stops_at_once(started: subprocess.Popen[str], tmp_path: Path) -> None:
    os.kill(started.pid, signal.SIGINT)
    time.sleep(0.02)
    os.kill(started.pid, signal.SIGINT)
    began_s = time.monotonic()
    started.communicate(timeout=60)
    assert started.returncode == 130
    assert time.monotonic() - began_s < 10
    assert len(RunFolder(tmp_path / "run").records()) >= 3
    assert nobody_is_left(started.pid)


def test_the_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    drained: list[bool] = []

    def interrupted() -> None:
        with gently(lambda: drained.append(True)):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            assert drained == [True]

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert signal.getsignal(signal.SIGINT) is before
    with gently(lambda: None):
        pass
    assert drained == [True]
