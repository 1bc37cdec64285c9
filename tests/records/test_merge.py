"""Merging is a union: in whatever order, grouping and number of times, the same bytes."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pi0bench.errors import StorageError, UsageError
from pi0bench.records.manifest import NAME
from pi0bench.records.merge import command, merge
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.records.run_folder import EPISODES, TIMINGS, RunFolder

SETTINGS = {"policies": ["pi0"], "tasks": ["stack"], "episodes": 8, "steps": [], "seed": 0}
MANIFEST = {
    "command": "pi0bench run …",
    "settings": SETTINGS,
    "versions": {"mujoco": "3.9.0"},
    "machine": {"system": "Linux", "processor": "one"},
}

Cells = Callable[..., Cell]
Records = Callable[..., Record]
Episodes = Sequence[tuple[Record, Timing | None]]


@pytest.fixture
def part(tmp_path: Path, make_cell: Cells) -> Callable[..., Path]:
    """Write a folder of some episodes of the run of `planned` cells."""

    def make(name: str, episodes: Episodes, planned: int = 8, **changes: Any) -> Path:
        cells = [make_cell(number) for number in range(planned)]
        with RunFolder.open(tmp_path / name, {**MANIFEST, **changes}, cells) as folder:
            for record, timing in episodes:
                folder.append(record, timing)
        return tmp_path / name

    return make


def contents(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in (NAME, EPISODES, TIMINGS)]


@pytest.mark.parametrize("seed", range(8))
def test_order_grouping_and_repetition_change_nothing(
    seed: int, tmp_path: Path, part: Callable[..., Path], make_cell: Cells, make_record: Records
) -> None:
    rng = random.Random(seed)

    def episode(number: int) -> tuple[Record, Timing | None]:
        cell = make_cell(number)
        status = rng.choice(["final", "infra_error", "env_fault"])
        odd = {"fault": rng.choice("ab")} if status != "final" else {}
        record = make_record(cell, "success" if status == "final" else status, **odd)
        return record, rng.choice([None, Timing(cell.key(), rng.choice([1.0, 2.0]), 20.0)])

    parts = [
        part(
            f"part{index}",
            [episode(number) for number in rng.sample(range(8), rng.randint(0, 8))],
            shard=f"{index + 1}/4",
            machine={"system": "Linux", "processor": rng.choice(["one", "two", "three"])},
        )
        for index in range(4)
    ]
    merge(parts, tmp_path / "at_once")
    wanted = contents(tmp_path / "at_once")
    shuffled = rng.sample(parts, 4)
    merge(shuffled, tmp_path / "shuffled")
    merge([*parts, tmp_path / "shuffled", parts[0]], tmp_path / "shuffled")
    merge(shuffled[:2], tmp_path / "left")
    merge(shuffled[1:], tmp_path / "right")
    merge([tmp_path / "right", tmp_path / "left"], tmp_path / "both")
    for one in shuffled:
        merge([one], tmp_path / "one_by_one")
    for name in ("shuffled", "both", "one_by_one"):
        assert contents(tmp_path / name) == wanted
    merge([tmp_path / "at_once"], tmp_path / "at_once")
    assert contents(tmp_path / "at_once") == wanted


def test_what_is_missing_is_counted(
    tmp_path: Path, part: Callable[..., Path], make_cell: Cells, make_record: Records
) -> None:
    broken = make_record(make_cell(1), "infra_error")
    found = merge(
        [part("a", [(make_record(make_cell(0)), None), (broken, None)])], tmp_path / "x y"
    )
    assert (found.measured, found.planned) == (1, 8)
    assert found.command == (
        f"pi0bench run --policy pi0 --task stack --episodes 8 --seed 0 --out '{tmp_path / 'x y'}'"
    )
    assert RunFolder(tmp_path / "x y").manifest().get("shard") is None


def test_a_command_has_every_setting() -> None:
    asked = {"steps": [1, 2], "variations": ["light-2"], "solvers": [], "tasks": ["a"]}
    assert command(asked) == "pi0bench run --task a --steps 1 2 --variation light-2"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": {**SETTINGS, "seed": 1}}, r"settings\.seed: 0 there, 1 here"),
        ({"versions": {"mujoco": "9.9"}}, r'versions\.mujoco: "3\.9\.0" there, "9\.9" here'),
        ({"planned": 9}, "planned: 8 there, 9 here"),
    ],
)
def test_other_runs_are_refused_and_the_difference_named(
    changes: Any, said: str, tmp_path: Path, part: Callable[..., Path]
) -> None:
    changes = dict(changes)
    one, other = part("a", []), part("b", [], changes.pop("planned", 8), **changes)
    with pytest.raises(UsageError, match=rf"b: not of the same run as .*a \({said}\)"):
        merge([one, other], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match=r"b: not of the same run"):
        merge([one], other)


def test_a_part_does_not_become_the_whole(tmp_path: Path, part: Callable[..., Path]) -> None:
    one, other = part("a", [], shard="1/2"), part("b", [], shard="2/2")
    with pytest.raises(UsageError, match="a: is part 1/2 itself; give the whole"):
        merge([one, other], one)
    with pytest.raises(UsageError, match=r"no manifest\.json"):
        merge([one, tmp_path / "nowhere"], tmp_path / "out")
    with pytest.raises(UsageError, match="name the folders"):
        merge([], tmp_path / "out")


def test_different_outcomes_are_a_determinism_violation(
    tmp_path: Path, part: Callable[..., Path], make_record: Records
) -> None:
    one = part("a", [(make_record(), None)])
    other = part("b", [(make_record(length=121), None)])
    with pytest.raises(StorageError, match=r"determinism violation.*length 120 there, 121 here"):
        merge([one, other], tmp_path / "out")
    assert not (tmp_path / "out" / EPISODES).exists()
