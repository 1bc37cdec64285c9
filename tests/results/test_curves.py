from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pi0bench.errors import UsageError
from pi0bench.results.curves import steps_figure
from pi0bench.results.record import Cell, Record
from pi0bench.results.rows import Row
from pi0bench.results.series import COLOURS, MARKERS, series_of
from pi0bench.results.tables import summarize

Cells = Callable[..., Cell]
Records = Callable[..., Record]


@pytest.fixture
def rows(make_cell: Cells, make_record: Records) -> list[Row]:
    return summarize(
        [
            make_record(
                make_cell(e, policy=policy, task=task, steps=steps),
                "success" if e < steps else "failure",
            )
            for policy, asked in (("pi0", (0, 1, 2, 5)), ("regression", (1,)))
            for task in ("stack", "pick $x_1$")
            for steps in asked
            for e in range(6)
        ],
        [],
    )


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_rows_give_the_same_bytes(kind: str, rows: list[Row], tmp_path: Path) -> None:
    first, second = tmp_path / f"a.{kind}", tmp_path / f"b.{kind}"
    steps_figure(rows, first)
    steps_figure(rows[::-1], second)
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size > 10_000
    steps_figure([r for r in rows if r.condition.policy == "pi0"], second)
    assert first.read_bytes() != second.read_bytes()


def test_the_figure_says_its_n(rows: list[Row], tmp_path: Path) -> None:
    import matplotlib

    path = tmp_path / "a.svg"
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        steps_figure(rows, path)
    text = path.read_text()
    for words in (
        "Success rate by sampler steps, mean of 2 tasks",
        "n = 12 episodes a point; bars are 95 % intervals",
        "stack, n = 6",
        "pick $x_1$, n = 6",
        "regression",
    ):
        assert words in text


def test_one_task_needs_no_mean(rows: list[Row], tmp_path: Path) -> None:
    steps_figure([r for r in rows if r.task == "stack"], tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()


def test_no_rows_no_curve(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was measured"):
        steps_figure([], tmp_path / "a.png")


def test_a_colour_a_policy_and_dashes_for_the_rest(make_cell: Cells, make_record: Records) -> None:
    many = summarize(
        [
            make_record(make_cell(policy=f"p{i}", engine=engine))
            for i in range(8)
            for engine in ("mujoco", "pybullet")
        ],
        [],
    )
    lines = series_of(many)
    assert len(lines) == 16
    looks = {(line.colour, line.marker, line.dashes) for line in lines}
    assert len(looks) == 16
    assert {line.label for line in lines} >= {"p0 mujoco", "p0 pybullet"}
    assert len({(line.colour, line.marker) for line in lines if line.dashes == "-"}) == 8
    assert len(MARKERS) == len(COLOURS) + 1
    assert [line.label for line in series_of(many[:1])] == ["p0"]
