from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from pi0bench.errors import UsageError
from pi0bench.evaluate import executors, ray_executor
from pi0bench.evaluate.cells import Settings, batches, expand
from pi0bench.evaluate.run import How, run
from pi0bench.evaluate.supervised import Local
from pi0bench.evaluate.worker import Measure
from pi0bench.policies import registry
from pi0bench.tasks.load import task

ORPHANS = """
import os, sys
from pi0bench.evaluate.supervised import Local
from tests_jobs import jobs
if __name__ == "__main__":
    for _ in Local(1).run(jobs()):
        import multiprocessing
        print(multiprocessing.active_children()[0].pid, flush=True)
        os.kill(os.getpid(), 9)
"""


def jobs() -> list[Measure]:
    settings = Settings(("random",), ("reach_cube",), renderer="tiny", episodes=20)
    traits = {"random": registry.load("random").traits}
    cells = expand(settings, traits, [task("reach_cube")])
    return [Measure(batch) for batch in batches(cells, 1)]


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return measured(tmp_path_factory.mktemp("inline"), How(executor="inline", video=False))


def measured(out: Path, how: How) -> bytes:
    settings = Settings(("zero", "random", "expert"), ("reach_cube",), renderer="tiny", episodes=3)
    assert run(settings, out, how, Console(quiet=True)) == 0
    return (out / "episodes.jsonl").read_bytes()


@pytest.mark.parametrize("executor", executors.KINDS)
def test_every_executor_gives_the_same_records(
    executor: str, inline: bytes, tmp_path: Path
) -> None:
    if executor == "ray":
        pytest.importorskip("ray", reason="needs pi0bench[ray]")
    how = How(workers=2, batch=2, video=False, executor=executor)
    assert measured(tmp_path, how) == inline
    assert inline.count(b"\n") == 9


def test_executors_that_cannot_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match='no executor "rey"; did you mean "ray"'):
        How(executor="rey")
    with pytest.raises(UsageError, match="--ray-address: goes with --executor ray"):
        How(ray_address="auto")
    monkeypatch.setattr(ray_executor, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r'not installed; pip install "pi0bench\[ray\]"'):
        How(executor="ray")


def test_a_dead_worker_loses_nothing() -> None:
    before = set(multiprocessing.active_children())
    executor = Local(2)
    running = executor.run(jobs())
    ends = list(next(running))
    mine = set(multiprocessing.active_children()) - before
    os.kill(min(process.pid or 0 for process in mine), signal.SIGKILL)
    ends += [end for result in running for end in result]
    executor.close()
    assert [end.record.status for end in ends] == ["failure"] * 20
    assert {end.record.cell.episode for end in ends} == set(range(20))
    assert not mine & set(multiprocessing.active_children())


def test_workers_do_not_outlive_their_parent(tmp_path: Path, checkout: Path) -> None:
    (tmp_path / "tests_jobs.py").write_text(Path(__file__).read_text("utf-8"), "utf-8")
    (tmp_path / "orphans.py").write_text(ORPHANS)
    done = subprocess.run(
        [sys.executable, tmp_path / "orphans.py"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    deadline_s = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and not is_zombie(pid):
        assert time.monotonic() < deadline_s, "it still runs"
        time.sleep(0.05)


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
