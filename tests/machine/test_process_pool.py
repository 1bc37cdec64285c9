from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_WORK = """
import os, sys, time
from pi0bench.machine.process_pool import spawned_pool

def work():
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    with spawned_pool(2) as pool:
        for _ in range(2):
            pool.submit(work)
"""


def test_whoever_is_killed_leaves_no_processes_behind(tmp_path: Path) -> None:
    script = tmp_path / "work.py"
    script.write_text(_WORK)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as main:
        assert main.stdout is not None
        workers = [int(main.stdout.readline()) for _ in range(2)]
        main.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while any(map(_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [pid for pid in workers if _alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
