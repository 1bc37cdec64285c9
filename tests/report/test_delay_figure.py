"""The figure of delays: which panels and lines there are, and that every rate stands in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pi0bench.records.record import Cell, Record
from pi0bench.report.condition_profile import Profile, profiles
from pi0bench.report.figures.delay_figure import delay_figure, draw_delays, has_delays
from pi0bench.report.success_table import summarize

Cells = Callable[..., Cell]
Records = Callable[..., Record]


@pytest.fixture
def found(make_cell: Cells, make_record: Records) -> list[Profile]:
    asked = [("still", 0), ("hold", 1), ("hold", 4), ("rtc", 1), ("rtc", 4)]
    records = [
        make_record(
            make_cell(e, policy=policy, steps=steps, clock=clock, delay=delay),
            "success" if e + delay < 8 else "failure",
        )
        for policy, steps in (("pi0", 1), ("pi0", 10), ("bc", 0))
        for clock, delay in asked
        if policy == "pi0" or clock != "rtc"
        for e in range(10)
    ]
    return profiles(summarize(records, []), records, [], [])


def test_each_policy_and_sampler_has_a_panel_with_a_line_a_clock(found: list[Profile]) -> None:
    panels = draw_delays(found).subfigs[1].axes
    assert [axes.get_title(loc="left") for axes in panels] == [
        "bc",
        "pi0 · 1 step · euler",
        "pi0 · 10 steps · euler",
    ]
    names = [[text.get_text() for text in axes.texts] for axes in panels]
    assert names == [["hold"], ["hold", "rtc"], ["hold", "rtc"]]
    for axes in panels:
        drawn = [(line.get_linestyle(), np.array(line.get_ydata())) for line in axes.get_lines()]
        assert ("-", [70.0, 40.0]) in [(style, ys.tolist()) for style, ys in drawn]
        assert [set(ys.tolist()) for style, ys in drawn if style == "--"] == [{80.0}]


def test_the_same_profiles_give_the_same_picture(found: list[Profile]) -> None:
    assert delay_figure(found) == delay_figure(found)


def test_it_takes_two_delays(found: list[Profile]) -> None:
    assert has_delays(found)
    assert not has_delays([p for p in found if p.condition.delay < 4])
    assert not has_delays([p for p in found if p.condition.clock == "still"])
