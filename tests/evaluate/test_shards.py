from __future__ import annotations

import io
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.cli import main
from pi0bench.errors import UsageError
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.shards import Shard
from pi0bench.policy.baselines import Random
from pi0bench.records.chunk_quality import QUALITY
from pi0bench.records.merge import merge
from pi0bench.records.record import Cell
from pi0bench.records.run_folder import EPISODES, RunFolder
from tests.runs import run


@pytest.mark.parametrize("of", [1, 2, 3, 7, 40])
def test_the_parts_are_the_plan_and_about_equally_long(
    of: int, cells_of: Callable[..., tuple[Cell, ...]]
) -> None:
    cells = cells_of(Random(), episodes=30)
    parts = [Shard(part, of).pick(cells) for part in range(1, of + 1)]
    assert sorted((c for part in parts for c in part), key=cells.index) == list(cells)
    assert all(list(part) == sorted(part, key=cells.index) for part in parts)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_every_part_has_some_of_everything(cells_of: Callable[..., tuple[Cell, ...]]) -> None:
    plan = (*cells_of(Random(), seed=0), *cells_of(Random(), seed=1))
    for part in range(1, 5):
        own = Shard(part, 4).pick(plan)
        assert 5 <= sum(cell.seed for cell in own) <= 20


def test_a_plan_is_always_dealt_alike(cells_of: Callable[..., tuple[Cell, ...]]) -> None:
    own = Shard(2, 3).pick(cells_of(Random(), episodes=9))
    assert [cell.episode for cell in own] == [0, 1, 7]


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "-1/3", "1/3 ", "a/b"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f'--shard: "{text}" is no part'):
        Shard.parse(text)
    assert str(Shard.parse("2/3")) == "2/3"


def test_parts_merged_and_completed_are_the_whole_run(tmp_path: Path, scripted: Any) -> None:
    scripted(lambda _, noise, n: np.stack([np.full((8, 7), r.normal() / n) for r in noise]))
    settings = Settings(("scripted",), ("reach_cube",), renderer="tiny", episodes=3, steps=(1, 2))

    def measure(name: str, **how: Any) -> list[str]:
        words = io.StringIO()
        assert run(settings, tmp_path / name, How(batch=2, **how), Console(file=words)) == 0
        out = tmp_path / name
        return sorted(path.relative_to(out).as_posix() for path in out.rglob("*"))

    whole = measure("whole", video=False)
    for part in (1, 2):
        left = measure(f"part{part}", shard=Shard(part, 2), video=True)
        assert left == [EPISODES, "manifest.json", "timings.jsonl"]
    with pytest.raises(UsageError, match='shard: "1/2" there, "2/2" here'):
        measure("part1", shard=Shard(2, 2))
    found = merge([tmp_path / "part2"], tmp_path / "merged")
    assert (found.measured, found.planned) == (3, 6)
    assert merge([tmp_path / "part1"], tmp_path / "merged").measured == 6
    assert measure("merged", video=False) == whole
    for name in (EPISODES, QUALITY):
        assert (tmp_path / "merged" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_missing_parts_are_measured_where_the_rest_was_merged(tmp_path: Path) -> None:
    settings = Settings(("expert",), ("reach_cube",), renderer="tiny", episodes=4)
    quiet = Console(quiet=True)
    for name, how in {"whole": How(video=False), "part": How(shard=Shard(1, 3))}.items():
        assert run(settings, tmp_path / name, how, quiet) == 0
    merge([tmp_path / "part"], tmp_path / "merged")
    assert len(RunFolder(tmp_path / "merged").records()) == 2
    assert run(settings, tmp_path / "merged", How(), quiet) == 0
    assert len(list(tmp_path.glob("*/videos/*.mp4"))) == 1
    lines = [(tmp_path / name / EPISODES).read_bytes() for name in ("merged", "whole")]
    assert lines[0] == lines[1]


def test_the_planned_commands_give_the_undivided_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = "--policy random --task reach_cube --renderer tiny --episodes 5 --no-video"
    asked += " --executor inline"
    assert main(["run", *asked.split(), "--out", "undivided"]) == 0
    capsys.readouterr()
    assert main(["plan", "2", "--", *asked.split()]) == 0
    for line in capsys.readouterr().out.splitlines():
        assert main(shlex.split(line)[1:]) == 0
    assert Path("whole", EPISODES).read_bytes() == Path("undivided", EPISODES).read_bytes()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--shard=1/2"], "--shard: no part of a run has it"),
        (["--out", "here"], "--out: no part of a run has it"),
        (["--stop-early"], "--stop-early: no part of a run has it"),
    ],
)
def test_what_parts_cannot_have_is_not_planned(
    asked: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "2", "--", "--policy", "random", "zero", *asked]) == 2
    assert said in capsys.readouterr().err


def test_a_plan_of_words_that_no_run_takes_is_refused() -> None:
    assert main(["plan", "2", "--", "--polcy", "random"]) == 2
