"""effort.png: points stand at plans a second, a line a rule, and only where there are several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pi0bench.records.record import Cell, Record
from pi0bench.report.condition_profile import Profile, profiles
from pi0bench.report.figures.effort_figure import draw_effort, effort_figure, has_efforts
from pi0bench.report.real_time_table import real_time_markdown
from pi0bench.report.success_table import summarize

Cells = Callable[..., Cell]
Records = Callable[..., Record]
REPLANS: dict[tuple[str, int, int], int] = {
    ("fixed", 0, 20): 10,
    ("fixed", 2, 20): 40,
    ("agree", 0, 20): 16,
    ("fixed", 0, 50): 10,
}
"""Plans of an episode of four seconds, by rule, execution horizon and rate."""


def told(make_cell: Cells, make_record: Records, *which: tuple[str, int, int]) -> list[Profile]:
    def record(number: int, look: str, execute: int, hz: int) -> Record:
        time: dict[str, Any] = {"look": look, "execute": execute, "control_hz": hz}
        replans = REPLANS[look, execute, hz]
        how = {"length": 4 * hz, "replans": replans, "trunk_evaluations": 10 * replans}
        return make_record(make_cell(number, **time), "success" if number < 6 else "failure", **how)

    records = [record(number, *of) for of in which for number in range(8)]
    return profiles(summarize(records, []), records, [], [])


@pytest.fixture
def found(make_cell: Cells, make_record: Records) -> list[Profile]:
    return told(make_cell, make_record, *REPLANS)


def test_points_stand_at_plans_a_second_of_the_robots_time(found: list[Profile]) -> None:
    (axes,) = draw_effort(found).subfigs[1].axes
    drawn = [np.array(line.get_xdata()).tolist() for line in axes.get_lines()]
    assert [2.5, 10.0] in drawn
    assert [4.0] in drawn
    assert [2.5] in drawn
    assert effort_figure(found) == effort_figure(found)


def test_it_is_drawn_only_where_there_are_several_rules(
    found: list[Profile], make_cell: Cells, make_record: Records
) -> None:
    assert has_efforts(found)
    assert not has_efforts(told(make_cell, make_record, ("fixed", 0, 20), ("fixed", 0, 50)))
    assert has_efforts(told(make_cell, make_record, ("fixed", 0, 20), ("agree", 0, 20)))


def test_the_table_tells_plans_and_passes(found: list[Profile]) -> None:
    text = real_time_markdown(found)
    line = next(line for line in text.splitlines() if "look agree" in line)
    assert "| 5 | 2.5 | 5 | 4 | 40 |" in line
    line = next(line for line in text.splitlines() if "50 Hz" in line)
    assert "| 20 | 10 | 20 | 2.5 | 25 |" in line
