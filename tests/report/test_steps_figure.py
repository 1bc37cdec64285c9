from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from pi0bench.errors import UsageError
from pi0bench.records.condition import Condition
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.report.condition_profile import Distance, Profile, profiles
from pi0bench.report.figures import cost_panels
from pi0bench.report.figures.line_labels import spread
from pi0bench.report.figures.mode_shares import MOST_BARS, barred
from pi0bench.report.figures.series import series_of
from pi0bench.report.figures.steps_figure import WIDTH_IN, steps_figure
from pi0bench.report.mode_counts import Choice, choices
from pi0bench.report.success_table import summarize

Cells = Callable[..., Cell]
Records = Callable[..., Record]


@pytest.fixture
def records(make_cell: Cells, make_record: Records) -> list[Record]:
    return [
        make_record(
            make_cell(e, policy=policy, task=task, steps=steps),
            "success" if e < steps else "failure",
            mode=("left", "right")[e % 2] if task == "stack" else "",
        )
        for policy, asked in (("pi0", (0, 1, 2, 5)), ("regression", (1,)))
        for task in ("stack", "pick $x_1$")
        for steps in asked
        for e in range(6)
    ]


@pytest.fixture
def found(records: list[Record]) -> list[Profile]:
    return profiles(summarize(records, []), records, [], [])


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Figure]:
    """Return the figure that is drawn, not its bytes."""

    def draw(found: Sequence[Profile], taken: Sequence[Choice] = ()) -> Figure:
        kept: list[Figure] = []
        with monkeypatch.context() as patch:
            patch.setattr(Figure, "savefig", lambda figure, *_, **__: kept.append(figure))
            steps_figure(found, taken)
        return kept[0]

    return draw


def titles(figure: Figure) -> list[str]:
    return [axes.get_title("left") for axes in figure.axes]


def test_the_same_profiles_give_the_same_bytes(found: list[Profile]) -> None:
    first = steps_figure(found, [])
    assert steps_figure(found[::-1], []) == first
    assert len(first) > 10_000


def test_nothing_measured_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing was measured"):
        steps_figure([], [])


def test_what_was_not_measured_has_no_panel(
    found: list[Profile], drawn: Callable[..., Figure]
) -> None:
    assert titles(drawn(found)) == ["Success by trunk evaluations", "pick $x_1$", "stack"]


def test_every_reason_has_a_panel(records: list[Record], drawn: Callable[..., Figure]) -> None:
    records = [dataclasses.replace(r, jerk_m_s3=50.0, jump_m_s=0.1) for r in records]
    timings = [Timing(r.cell.key(), 1.0, 9.0) for r in records]
    profiled = profiles(summarize(records, timings), records, timings, [])
    far = Distance(0.1, -0.01, (100,), 320)
    profiled = [dataclasses.replace(p, distance=far) for p in profiled]
    figure = drawn(profiled, choices(records, {}))
    assert titles(figure) == [
        "Success by trunk evaluations",
        "Success by measured time",
        "Energy distance to 100 steps",
        "RMSE to 100 steps",
        "Jerk, m/s³",
        "Jump between chunks, m/s",
        "stack",
        "pick $x_1$",
        "stack",
    ]
    energy, rmse = figure.axes[2:4]
    assert energy.get_ylim()[0] < -0.01
    assert rmse.get_ylim()[0] == 0.0
    assert "many" in cost_panels.note(profiled)


def test_distances_are_explained_where_there_are_some(found: list[Profile]) -> None:
    assert "distances" not in cost_panels.note(found)


def test_a_single_task_is_not_drawn_twice(
    make_cell: Cells, make_record: Records, drawn: Callable[..., Figure]
) -> None:
    records = [make_record(make_cell(e, steps=k)) for k in (1, 2) for e in range(3)]
    profiled = profiles(summarize(records, []), records, [], [])
    assert titles(drawn(profiled)) == ["Success by trunk evaluations"]


def test_sixteen_policies_look_sixteen_ways() -> None:
    conditions = [
        Condition(f"p{i:02}", steps, "euler", "mujoco", "gl", "nominal")
        for i in range(16)
        for steps in (1, 2)
    ]
    lines = series_of(conditions)
    assert len(lines) == len({line.label for line in lines}) == 16
    assert len({line.colour for line in lines}) == 16
    assert all(sum(line.holds(c) for line in lines) == 1 for c in conditions)
    more = series_of(
        Condition(f"p{i:02}", 1, "euler", "mujoco", "gl", "nominal") for i in range(60)
    )
    assert len({(line.colour, line.marker) for line in more}) == 60


def test_lines_of_one_policy_differ_in_dashes() -> None:
    lines = series_of(
        Condition(policy, 1, solver, "mujoco", "gl", "nominal")
        for policy, solver in (("a", "euler"), ("a", "heun"), ("b", "euler"))
    )
    assert [line.label for line in lines] == ["a euler", "a heun", "b"]
    assert lines[0].colour == lines[1].colour != lines[2].colour
    assert lines[0].dashes != lines[1].dashes


@pytest.mark.parametrize(
    "wanted", [[], [50.0], [0.0, 0.0, 0.0], [1.0, 2.0, 90.0, 99.0, 100.0], [50.0] * 13]
)
def test_names_keep_their_distance_and_order(wanted: list[float]) -> None:
    places = spread(wanted, 4.0, 0.0, 100.0)
    assert len(places) == len(wanted)
    assert all(b - a >= 4.0 - 1e-9 for a, b in pairwise(places))
    assert all(0.0 <= place <= 100.0 for place in places)
    if all(b - a >= 4.0 for a, b in pairwise(wanted)):
        assert places == wanted


def test_too_many_bars_keep_the_ends_of_each_line(make_cell: Cells, make_record: Records) -> None:
    records = [
        make_record(make_cell(0, policy=f"p{i:02}", steps=steps), mode="left")
        for i in range(12)
        for steps in (1, 2, 5, 10)
    ]
    few, many = barred(choices(records[:20], {})), barred(choices(records, {}))
    assert len(few) == 20
    assert len(many) == 24 <= MOST_BARS
    assert {c.steps for c in many} == {1, 10}


def test_thirteen_names_do_not_touch(
    make_cell: Cells, make_record: Records, drawn: Callable[..., Figure]
) -> None:
    records = [
        make_record(make_cell(e, policy=f"policy_{i:02}")) for i in range(13) for e in (0, 1)
    ]
    figure = drawn(profiles(summarize(records, []), records, [], []))
    assert figure.get_figwidth() == WIDTH_IN
    figure.draw_without_rendering()
    boxes = [t.get_window_extent() for t in figure.axes[0].texts if "policy_" in t.get_text()]
    assert len(boxes) == 13
    boxes.sort(key=lambda box: box.y0)
    # Boxes of text hold room for accents and descenders, so that they may graze each other.
    assert all(above.y0 - below.y1 > -0.2 * below.height for below, above in pairwise(boxes))
    assert all(box.x1 <= figure.bbox.x1 for box in boxes)
