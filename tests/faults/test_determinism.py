"""One cell, one outcome: whatever else is run, in whatever order, company or process."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from pi0bench.envs.physics import ENGINES
from pi0bench.envs.render.choose_renderer import make
from pi0bench.errors import StorageError
from pi0bench.evaluate import worker
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.rollout import Outcome
from pi0bench.evaluate.run_options import How
from pi0bench.records.record import Cell, Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.task.task_files import task
from tests.runs import run as measure

QUIET = How(video=False)


def asked(*policies: str, **settings: Any) -> Settings:
    return Settings(policies, ("reach_cube",), **{"renderer": "tiny", "episodes": 4, **settings})


def measured(settings: Settings, out: Path, how: How = QUIET) -> bytes:
    assert measure(settings, out, how, Console(quiet=True)) == 0
    return (out / "episodes.jsonl").read_bytes()


def test_records_do_not_depend_on_workers(tmp_path: Path) -> None:
    settings = asked("expert")
    one = measured(settings, tmp_path / "1", How(workers=1, batch=3, video=False))
    two = measured(settings, tmp_path / "2", How(workers=2, batch=2, video=False, executor="local"))
    assert one == two
    assert one.count(b"\n") == 4


def test_records_do_not_depend_on_the_batch(tmp_path: Path, looking: Any) -> None:
    settings = asked("looking")
    alone = measured(settings, tmp_path / "1", How(batch=1, video=False))
    assert max(looking.asked) == 1
    together = measured(settings, tmp_path / "7", How(batch=7, video=False))
    assert max(looking.asked) == 4
    assert alone == together
    assert {record.cell.episode for record in RunFolder(tmp_path / "7").records()} == {0, 1, 2, 3}


@pytest.mark.parametrize("engine", ENGINES)
def test_nobody_draws_from_the_generators_that_all_share(
    engine: str, looking: Any, cells_of: Callable[..., tuple[Cell, ...]]
) -> None:
    """So that no episode can change another one, and no seed of theirs matters."""

    def states() -> tuple[Any, ...]:
        of_numpy = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
        numbers = of_numpy["key"].tobytes(), of_numpy["pos"]
        return random.getstate(), numbers, torch.get_rng_state().tolist()

    before, seen = states(), list[Record]()
    cells = cells_of(looking, engine=engine, episodes=2)
    for cell in (*cells, cells[0]):
        (end,) = run([cell], looking, task("reach_cube"), make("tiny"), Stopwatch())
        seen.append(end.record)
    assert states() == before
    assert seen[0] == seen[2]


def test_no_film_shows_another_episode_than_was_measured(
    tmp_path: Path, scripted: Any, console: Console
) -> None:
    """An episode that was measured without a recording is run again, and must end as it did."""
    rng = np.random.default_rng(0)
    scripted(lambda obs, *_: rng.uniform(-1, 1, (len(obs), 8, 7)))
    settings = asked("scripted", episodes=1)
    assert measure(settings, tmp_path, QUIET, console) == 0
    assert measure(settings, tmp_path, How(), console) == 0
    said = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    why = "scripted on reach_cube, episode 0: no video: ended otherwise when repeated: "
    assert why in said
    assert not (tmp_path / "videos").exists()


def test_different_duplicates_are_a_determinism_violation(
    tmp_path: Path, make_cell: Callable[..., Cell], make_record: Callable[..., Record]
) -> None:
    with RunFolder.open(tmp_path, {}, [make_cell()]) as folder:
        folder.append(make_record())
        folder.append(make_record(length=121))
        with pytest.raises(StorageError, match=r"determinism violation.*length 120 there, 121"):
            folder.records()


def test_an_episode_that_was_begun_again_says_so_and_so_does_the_table(
    tmp_path: Path,
    looking: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undisturbed = measured(asked("looking"), tmp_path / "whole")
    assert "Begun again" not in (tmp_path / "whole" / "table.md").read_text()
    original, broken = worker.run, []

    def fragile(cells: Any, *others: Any) -> Iterator[Outcome]:
        if len(broken) < 2 and 2 in {cell.episode for cell in cells}:
            broken.append(1)
            raise OSError("no such device")
        return original(cells, *others)

    monkeypatch.setattr(worker, "run", fragile)
    again = measured(asked("looking"), tmp_path / "again", How(batch=2, video=False))
    assert again == undisturbed
    timings = RunFolder(tmp_path / "again").timings()
    assert [timing.attempts for timing in timings] == [2, 2, 2, 2]
    said = "Begun again, because something around the policy broke: 4."
    assert said in (tmp_path / "again" / "table.md").read_text()
