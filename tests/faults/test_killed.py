"""A kill -9 of anything, at any moment, loses nothing that is finished and leaves nobody behind."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pi0bench.evaluate.cells import Settings, batches, expand
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.supervised_executor import Local
from pi0bench.policy import registry
from pi0bench.records.run_folder import RunFolder
from pi0bench.task.task_files import task
from tests.faults.command import TALLY, Tally, beginnings
from tests.faults.processes import PLAIN, TOYS, await_records, nobody_is_left, of_session, start
from tests.faults.toys import Dying, Mortal
from tests.runs import run

ROUNDS = int(os.environ.get("PI0BENCH_ROUNDS", "3"))
"""How often everything is killed at a random moment; ten are better, three are quicker."""

EPISODES, WORKERS = 16, 2
SETTINGS = Settings(("tally",), ("reach_cube",), renderer="tiny", episodes=EPISODES)
ASKED = f"run --policy tally --task reach_cube --renderer tiny --episodes {EPISODES}"
ONE_BY_ONE = How(batch=1, video=False)


def measured(out: Path, settings: Settings = SETTINGS, how: How = ONE_BY_ONE) -> bytes:
    assert run(settings, out, how, Console(quiet=True)) == 0
    return (out / "episodes.jsonl").read_bytes()


@pytest.fixture
def tally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(TALLY, str(tmp_path / "tally"))
    monkeypatch.setitem(registry.BASELINES, "tally", Tally)
    return tmp_path / "tally"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("undisturbed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TALLY, str(out / "tally"))
        patch.setitem(registry.BASELINES, "tally", Tally)
        return measured(out / "run")


def test_a_killed_parent_leaves_nobody_and_repeats_nothing_that_it_had_recorded(
    undisturbed: bytes, tally: Path, tmp_path: Path, checkout: Path
) -> None:
    out = tmp_path / "run"
    process = start(checkout, TOYS, f"{ASKED} --batch 1 --no-video", out)
    await_records(process, out, 3)
    process.kill()
    process.communicate()
    assert nobody_is_left(process.pid)
    kept = RunFolder(out).records()
    assert 3 <= len(kept) < EPISODES
    tally.unlink()
    assert measured(out) == undisturbed
    assert beginnings(tally, "reach_cube", EPISODES) == EPISODES - len(kept)


def test_kills_at_random_moments_change_nothing(
    undisturbed: bytes, tally: Path, tmp_path: Path, checkout: Path
) -> None:
    out, rng = tmp_path / "run", random.Random(0)
    known: set[str] = set()
    for _ in range(ROUNDS):
        process = start(checkout, TOYS, f"{ASKED} --batch 1 --no-video", out)
        await_records(process, out, len(known) + 1)
        for parent_too in (False, True):
            time.sleep(rng.uniform(0, 0.5))
            if process.poll() is None:
                anyone = rng.choice(sorted(of_session(process.pid)))
                os.kill(process.pid if parent_too else anyone, signal.SIGKILL)
        process.communicate()
        assert nobody_is_left(process.pid)
        found = {record.cell.key() for record in RunFolder(out).records() if record.final}
        assert known <= found
        known = found
    assert measured(out) == undisturbed


@pytest.mark.slow
def test_ten_kills_in_a_run_of_500_episodes_change_nothing(tmp_path: Path, checkout: Path) -> None:
    """A worker, and then the parent, ten times in turn, of pi0 on the ten tasks of the suite."""
    asked, rng, known = "run --policy pi0 --suite tabletop --no-video", random.Random(1), set[str]()
    assert start(checkout, PLAIN, asked, tmp_path / "whole").wait() == 0
    out = tmp_path / "killed"
    for kill in range(10):
        process = start(checkout, PLAIN, asked, out)
        await_records(process, out, len(known) + 1)
        time.sleep(rng.uniform(0, 15))
        if process.poll() is None:
            workers = sorted(set(of_session(process.pid)) - {process.pid})
            os.kill(process.pid if kill % 2 else rng.choice(workers), signal.SIGKILL)
        if kill % 2 == 0:
            time.sleep(rng.uniform(0, 15))
            process.send_signal(signal.SIGKILL)
        process.communicate()
        assert nobody_is_left(process.pid)
        found = {record.cell.key() for record in RunFolder(out).records() if record.final}
        assert known <= found
        known = found
    assert start(checkout, PLAIN, asked, out).wait() == 0
    ends = (out / "episodes.jsonl").read_bytes()
    assert ends == (tmp_path / "whole" / "episodes.jsonl").read_bytes()
    assert len(RunFolder(out).records()) == 500


@pytest.mark.parametrize("survivors", [1, 4])
def test_a_run_that_stops_anywhere_continues_to_the_same_records(
    survivors: int, tmp_path: Path, looking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(("looking",), ("reach_cube",), renderer="tiny", episodes=6)
    how = How(batch=2, video=False)
    whole = measured(tmp_path / "whole", settings, how)
    out = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "append", dying_after(survivors))
        with pytest.raises(KeyboardInterrupt):
            measured(out, settings, how)
    assert len(RunFolder(out).records()) == survivors
    with (out / "episodes.jsonl").open("ab") as file:
        file.write(b'{"torn')
    assert measured(out, settings, how) == whole


def dying_after(count: int) -> Callable[..., None]:
    original, left = RunFolder.append, [count]

    def append(folder: RunFolder, *what: Any) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        original(folder, *what)

    return append


def test_dead_workers_lose_nothing_and_their_episodes_say_that_they_were_begun_again(
    tmp_path: Path,
) -> None:
    before = set(multiprocessing.active_children())
    executor = Local(WORKERS)
    settings = Settings(("mortal",), ("reach_cube",), renderer="tiny", episodes=12)
    cells = expand(settings, {"mortal": Mortal.traits}, [task("reach_cube")])
    jobs = [
        Dying(batch, abreast=1, victim=victim, mark=tmp_path / str(victim))
        for batch, victim in zip(batches(cells, 6), (1, 7), strict=True)
    ]
    ends, mine = [], set[BaseProcess]()
    for end in executor.run(jobs):
        ends.append(end)
        mine |= set(multiprocessing.active_children()) - before
    executor.close()
    assert len(list(tmp_path.iterdir())) == len(jobs)  # each process has died
    assert [end.record.status for end in ends] == ["failure"] * 12
    assert {end.record.cell.episode for end in ends} == set(range(12))
    # Each process had one that ran and was begun again; the others had not been begun.
    again = [end.record.cell.episode for end in ends if end.timing.attempts == 2]
    assert sorted(again) == [1, 7]
    assert sorted(end.timing.attempts for end in ends) == [1] * 10 + [2] * 2
    assert not mine & set(multiprocessing.active_children())
