"""The table and the figure of worlds that go on while a policy plans."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pi0bench.records.record import Cell, Record
from pi0bench.report.condition_profile import Profile, profiles
from pi0bench.report.figures.reaction_figure import draw_reaction, has_waits, reaction_figure
from pi0bench.report.real_time_table import real_time_markdown, tells
from pi0bench.report.success_table import summarize

Cells = Callable[..., Cell]
Records = Callable[..., Record]
TURNS = {("still", 0, 0): 8, ("hold", 2, 0): 10, ("async", 2, 0): 8, ("async", 2, 4): 4}
"""The steps from a look to the next, with a policy that executes 8."""


def told(make_cell: Cells, make_record: Records, reaction_s: float | None) -> list[Profile]:
    records = [
        make_record(
            make_cell(number, clock=clock, delay=delay, execute=execute),
            "success" if number < 6 else "failure",
            length=37 + 8 * number,
            replans=-(-(37 + 8 * number) // turn),
            held=2 if clock == "async" else 0,
            reaction_s=reaction_s if number else None,
        )
        for (clock, delay, execute), turn in TURNS.items()
        for number in range(8)
    ]
    return profiles(summarize(records, []), records, [], [])


@pytest.fixture
def found(make_cell: Cells, make_record: Records) -> list[Profile]:
    return told(make_cell, make_record, 0.25)


def test_waits_follow_from_looks_and_delays(found: list[Profile]) -> None:
    seen = {of.condition.pace[1:4]: of.tempo for of in found}
    for (clock, delay, execute), turn in TURNS.items():
        tempo = seen[clock, execute, delay]
        assert tempo is not None
        assert (tempo.period, tempo.delay) == (turn, delay)
        assert (tempo.mean_wait, tempo.worst_wait) == (turn / 2 + delay, turn + delay)


def test_the_table_tells_reactions_and_what_was_held(found: list[Profile]) -> None:
    text = real_time_markdown(found)
    line = next(line for line in text.splitlines() if "delay 2 execute 4" in line)
    steps = [37 + 8 * n for n in range(8)]
    plans_s = 20 * sum(-(-step // 4) for step in steps) / sum(steps)
    assert f"| 4 | 4 | 6 | {plans_s:.3g} | 46.2 | 0.25 [0.25, 0.25], n = 7 |" in line
    assert "75.0 %" in line
    assert f" {100 * 16 / sum(steps):.1f} % " in line


def test_only_worlds_that_go_on_or_knock_have_a_table(
    found: list[Profile], make_cell: Cells, make_record: Records
) -> None:
    still = [of for of in found if of.condition.clock == "still"]
    assert tells(found)
    assert tells(still), "something was knocked"
    calm = told(make_cell, make_record, None)
    assert not tells([of for of in calm if of.condition.clock == "still"])
    assert has_waits(found)
    assert not has_waits(still)


def test_each_clock_has_a_line(found: list[Profile]) -> None:
    (axes,) = draw_reaction(found).subfigs[1].axes
    drawn = [
        (line.get_linestyle(), np.array(line.get_xdata()).tolist()) for line in axes.get_lines()
    ]
    assert ("-", [4.0, 6.0]) in drawn
    assert ("-", [7.0]) in drawn
    assert reaction_figure(found) == reaction_figure(found)
