"""From a task whose answer is known, through run, records and statistics, to the table."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.check_tasks import check
from pi0bench.evaluate.run_options import How
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.success_table import summarize
from pi0bench.task.task_files import task
from tests.runs import run

OwnTask = Callable[[str, str], Path]
HEADS = 0.7  # what coin.toml sets

ENGINES = ("mujoco", "pybullet")


def flips(out: Path, seed: int, episodes: int = 40) -> RunFolder:
    settings = Settings(("zero",), ("coin",), renderer="tiny", episodes=episodes, seed=seed)
    assert run(settings, out, How(video=False), Console(quiet=True)) == 0
    return RunFolder(out)


def test_the_table_recovers_the_chance_that_the_task_sets(
    own_task: OwnTask, tmp_path: Path
) -> None:
    own_task("coin", (Path(__file__).parent / "coin.toml").read_text("utf-8"))
    heads, caught = 0, 0
    for seed in range(10):
        folder = flips(tmp_path / f"run{seed}", seed)
        (row,) = summarize(folder.records(), folder.timings())
        told = (tmp_path / f"run{seed}" / "table.md").read_text("utf-8")
        assert f"{row.successes}/40" in told
        assert row.rate is not None
        low, high = row.interval.low, row.interval.high
        assert f"[{100 * low:.1f}, {100 * high:.1f}]" in told
        assert row.rate == row.progress == row.successes / row.n
        heads, caught = heads + row.successes, caught + (low <= HEADS <= high)
    # Of 400 flips, four standard errors to either side; of ten intervals, 9.5 on average.
    assert abs(heads / 400 - HEADS) < 4 * (HEADS * (1 - HEADS) / 400) ** 0.5
    assert caught >= 8


def test_a_coin_is_no_task_for_robots(own_task: OwnTask) -> None:
    """Nothing has to be done for it, which the check says of any task."""
    said: list[str] = []
    path = own_task("coin", (Path(__file__).parent / "coin.toml").read_text("utf-8"))
    assert check([path], resets=5, say=said.append) == 4
    true_at_start = ["the goal is true at the start" in line for line in said]
    failed = ["the expert does not get as far" in line for line in said]
    assert (sum(true_at_start), sum(failed)) == (2, 2)


COPIES = {
    "cube_in_bowl": {
        'model = "bowl"\n': 'model = "bowl"\ncolor = "blue"\n',
        "hold_s = 0.5": "hold_s = 1.0",
    },
    "cube_in_drawer": {"x_m = [0.58, 0.64]": "x_m = [0.60, 0.62]", "the drawer": "the cabinet"},
    "sort_two_cubes": {'"green", ': ""},
}


@pytest.mark.parametrize("of", COPIES)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_changed_copy_of_a_task_file_is_a_new_task(
    own_task: OwnTask, tmp_path: Path, engine: str, of: str
) -> None:
    text = task(of).path.read_text("utf-8")
    for old, new in COPIES[of].items():
        assert old in text
        text = text.replace(old, new)
    own_task("my_own", text)
    settings = Settings(("expert",), ("my_own",), engine, "tiny", episodes=3)
    console = Console(file=io.StringIO(), width=100)
    assert run(settings, tmp_path / "run", How(video=False), console) == 0
    records = list(RunFolder(tmp_path / "run").records())
    assert [record.status for record in records] == ["success"] * 3
