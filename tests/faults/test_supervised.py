"""Processes that die or hang lose only what they were doing."""

from __future__ import annotations

import multiprocessing
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi0bench.errors import IncompleteError
from pi0bench.evaluate import supervised_executor, worker_process
from pi0bench.evaluate.jobs import ATTEMPTS
from pi0bench.evaluate.supervised_executor import Local
from tests.faults.jobs import Toy


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    before = set(multiprocessing.active_children())
    yield
    deadline_s = time.monotonic() + 60
    while set(multiprocessing.active_children()) - before:
        assert time.monotonic() < deadline_s, "a process still runs"
        time.sleep(0.05)


def answers(folder: Path, *jobs: tuple[str, ...], **allowed_s: float) -> Counter[str]:
    executor = Local(2, **allowed_s)
    try:
        found = executor.run([Toy(items, folder) for items in jobs])
        return Counter(found)
    finally:
        executor.close()


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("kill", "infra_error: its process was ended by SIGKILL (is there enough memory?)"),
        ("crash", "env_fault: its process was ended by SIGSEGV"),
        ("plan", "policy_fault: its process was ended by SIGSEGV"),
        ("exit", "env_fault: its process ended with 7"),
    ],
)
def test_a_death_loses_only_the_guilty_item(tmp_path: Path, harm: str, why: str) -> None:
    found = answers(tmp_path, ("ok", "ok"), ("ok", harm, "ok"), *[("ok",)] * 6)
    assert found == {"ok": 10, f"{harm} {why}, {ATTEMPTS} times": 1}
    assert len(list(tmp_path.glob(f"{harm}-*"))) == ATTEMPTS
    assert len(list(tmp_path.glob("ok-*"))) == 10, "what was answered was begun again"


def test_a_crash_says_on_stderr_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supervised_executor, "ATTEMPTS", 1)
    answers(tmp_path, ("crash",))
    assert re.search(
        r"Segmentation fault\n.*jobs\.py\", line \d+ in crash", capfd.readouterr().err, re.S
    )


@pytest.mark.parametrize(
    ("harm", "what", "why"),
    [
        ("hang", "answer_s", "infra_error: no answer within 1 s"),
        ("ponder", "plan_s", "policy_fault: no plan within 1 s"),
    ],
)
def test_a_hang_is_ended_at_its_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str, what: str, why: str
) -> None:
    monkeypatch.setattr(supervised_executor, "ATTEMPTS", 2)
    found = answers(tmp_path, (harm,), *[("ok",)] * 6, **{what: 1.0})
    assert found == {"ok": 6, f"{harm} {why}, 2 times": 1}


def test_a_single_death_loses_nothing(tmp_path: Path) -> None:
    assert answers(tmp_path, ("ok", "once", "ok"), ("ok",)) == {"ok": 3, "once": 1}


def test_every_process_has_one_thread_the_replaced_ones_too(tmp_path: Path) -> None:
    before = os.environ.get("OMP_NUM_THREADS")
    found = answers(tmp_path, ("once",), ("threads",), ("kill",), *[("threads",)] * 4)
    assert found["1"] == 5
    assert os.environ.get("OMP_NUM_THREADS") == before


def test_processes_are_replaced_before_leaks_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised_executor, "JOBS_A_PROCESS", 2)
    found = answers(tmp_path, *[("pid",)] * 9)
    assert found.total() == 9
    assert max(found.values()) <= 2


def test_draining_finishes_what_runs_and_begins_nothing(tmp_path: Path) -> None:
    executor = Local(2)
    found = executor.run([Toy(("slow",), tmp_path) for _ in range(12)])
    first = next(found)
    executor.drain()
    rest = list(found)
    executor.close()
    assert first == "slow"
    assert len(rest) <= 2
    assert len(list(tmp_path.glob("slow-*"))) == 1 + len(rest)
    assert list(executor.run([Toy(("ok",), tmp_path)])) == []


def _dies(*_: object) -> None:
    os._exit(1)


def test_workers_that_cannot_start_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "_serve", _dies)
    with pytest.raises(IncompleteError, match="no worker can be started: its process ended with 1"):
        answers(tmp_path, ("ok",))
