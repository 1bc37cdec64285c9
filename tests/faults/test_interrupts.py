"""Ctrl-C once finishes what runs; twice stops at once; nothing that is finished is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from pi0bench.evaluate.interrupts import gently
from pi0bench.records.run_folder import RunFolder
from tests.faults.processes import PLAIN, await_records, nobody_is_left, start

ASKED = "run --policy random --task reach_cube --renderer tiny --episodes 60 --batch 1 --no-video"


@pytest.fixture
def started(tmp_path: Path, checkout: Path) -> subprocess.Popen[str]:
    """A run of many short episodes by two workers, some of which are finished."""
    process = start(checkout, PLAIN, ASKED, tmp_path / "run")
    await_records(process, tmp_path / "run", 3)
    return process


@pytest.mark.parametrize(
    ("number", "whom"),
    [(signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)],  # as a terminal does; as others do
    ids=["Ctrl-C", "SIGTERM"],
)
def test_once_finishes_what_runs(
    started: subprocess.Popen[str], tmp_path: Path, number: signal.Signals, whom: object
) -> None:
    assert callable(whom)
    whom(started.pid, number)
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
    assert started.stdout is not None
    for line in started.stdout:  # two signals at once may arrive as one
        if "once more stops at once" in line:
            break
    os.kill(started.pid, signal.SIGINT)
    started.communicate(timeout=60)
    assert started.returncode == 130
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
