"""A policy's server that is killed in the middle of a run, and comes back."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pi0bench.records.run_folder import RunFolder
from tests.faults.processes import PLAIN, await_records, start

ASKED = "--task reach_cube --renderer tiny --episodes 12 --batch 2 --no-video"


@contextmanager
def served(port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, *PLAIN, "serve", "--policy", "random", "--port", str(port)]
    process = subprocess.Popen(command)
    try:
        while True:
            assert process.poll() is None
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_killed_server_that_comes_back_changes_no_record(tmp_path: Path, checkout: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here, there = tmp_path / "here", tmp_path / "there"
    assert start(checkout, PLAIN, f"run --policy random {ASKED}", here).wait() == 0
    with served(port) as server:
        run = start(checkout, PLAIN, f"run --policy openpi://127.0.0.1:{port} {ASKED}", there)
        await_records(run, there, 2)
        server.kill()
        server.wait()
        time.sleep(1)
        assert len(RunFolder(there).records()) < 12
    with served(port):
        said, _ = run.communicate(timeout=120)
    assert run.returncode == 0, said
    records = zip(RunFolder(there).records(), RunFolder(here).records(), strict=True)
    assert all(replace(mine, cell=theirs.cell) == theirs for mine, theirs in records)
    assert any(timing.attempts > 1 for timing in RunFolder(there).timings())
    assert "Begun again, because something around the policy broke" in said
