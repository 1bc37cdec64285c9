"""What is appended outlives the process at once, and the machine a tenth of a second later."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pi0bench.errors import StorageError
from pi0bench.files.group_commit import EVERY_S, GroupCommit

LINES = 200
DIES = f"""
import os, signal, sys
from pathlib import Path
from pi0bench.files.group_commit import GroupCommit
lines = GroupCommit()
for number in range({LINES}):
    lines.append(Path(sys.argv[1]), f"line {{number}}")
os.kill(os.getpid(), signal.SIGKILL)
"""


class Disk:
    """Counts what is seen onto it, by file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.safe: dict[str, bytes] = {}
        self.syncs, self.broken, self.gate = 0, False, threading.Event()
        self.gate.set()
        monkeypatch.setattr(os, "fsync", self._fsync)

    def _fsync(self, descriptor: int) -> None:
        self.gate.wait(5)
        if self.broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        if path.is_file():
            self.syncs += 1
            self.safe[path.name] = path.read_bytes()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_a_kill_loses_nothing(tmp_path: Path, checkout: Path) -> None:
    path = tmp_path / "lines"
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(checkout)}
    died = subprocess.run([sys.executable, "-c", DIES, str(path)], env=environment, check=False)
    assert died.returncode == -9
    assert path.read_text().splitlines() == [f"line {number}" for number in range(LINES)]


def test_a_group_is_on_the_disk_soon_even_when_nothing_follows(tmp_path: Path, disk: Disk) -> None:
    path, lines = tmp_path / "lines", GroupCommit()
    start_s = time.monotonic()
    for number in range(LINES):
        lines.append(path, f"line {number}")
    took_s = time.monotonic() - start_s
    assert disk.syncs <= 1 + took_s / EVERY_S
    until_s = time.monotonic() + 60
    while disk.safe.get("lines") != path.read_bytes():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_nobody_waits_for_the_disk_but_who_flushes(tmp_path: Path, disk: Disk) -> None:
    path, lines = tmp_path / "lines", GroupCommit()
    disk.gate.clear()
    for number in range(3):
        lines.append(path, f"line {number}")
        time.sleep(1.5 * EVERY_S)
    assert "lines" not in disk.safe
    threading.Timer(EVERY_S, disk.gate.set).start()
    lines.flush()
    assert disk.safe["lines"] == path.read_bytes() == b"line 0\nline 1\nline 2\n"


@pytest.mark.parametrize("then", ["append", "flush"])
def test_a_disk_that_fails_meanwhile_is_told_next(then: str, tmp_path: Path, disk: Disk) -> None:
    path, lines = tmp_path / "lines", GroupCommit()
    disk.broken = True
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        try:
            lines.append(path, "a line")
            lines.flush() if then == "flush" else time.sleep(EVERY_S)
        except StorageError as error:
            assert str(error).startswith(f"{path}: Input/output error")  # noqa: PT017
            break
    assert time.monotonic() < until_s
    disk.broken = False
    lines.append(path, "a third")
    lines.flush()
    assert disk.safe["lines"] == path.read_bytes()
