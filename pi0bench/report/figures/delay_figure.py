"""Success against the delay of a plan: a panel a policy and sampler, a line a clock."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from pi0bench.records.condition import Condition
from pi0bench.records.record import STILL
from pi0bench.report.condition_profile import Profile
from pi0bench.report.figures.axes_style import DARK, GREY, STYLE, counted, title
from pi0bench.report.figures.line_labels import label_ends
from pi0bench.report.figures.series import COLOURS, MARKERS, Series
from pi0bench.report.figures.success_panels import draw_line
from pi0bench.report.success_rows import Row

COLUMNS = 3
_WIDTH_IN, _HEAD_IN, _PANEL_IN = 11.0, 0.6, 2.9
_DODGE = 0.24  # control steps over which the lines of a panel are set apart


def has_delays(profiles: Sequence[Profile]) -> bool:
    """Whether the world went on while some policy planned, for at least two delays."""
    return len({p.condition.delay for p in profiles if p.condition.clock != STILL}) > 1


def delay_figure(profiles: Sequence[Profile]) -> bytes:
    """Draw delays.png; the same profiles give the same bytes (see `draw_delays`)."""
    figure, data = draw_delays(profiles), io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()


def draw_delays(profiles: Sequence[Profile]) -> Figure:
    """Draw the figure: where the world waits is a dashed line across, with its interval.

    Args:
        profiles: of all conditions.
    """
    totals = [p.total for p in profiles if p.total.rate is not None]
    moving = [row for row in totals if row.condition.clock != STILL]
    panels = sorted({_panel(row.condition) for row in moving})
    lines = _lines(moving)
    rows = math.ceil(len(panels) / COLUMNS)
    with rc_context(STYLE):
        size = _WIDTH_IN, _HEAD_IN + rows * _PANEL_IN
        figure = Figure(figsize=size, layout="constrained")
        heights = [_HEAD_IN, rows * _PANEL_IN]
        head, body = figure.subfigures(2, 1, height_ratios=heights)  # pyright: ignore[reportGeneralTypeIssues]
        _head(head, moving)
        grid = body.add_gridspec(rows, COLUMNS)
        for place, panel in enumerate(panels):
            mine = [row for row in totals if _panel(row.condition) == panel]
            _draw(body.add_subplot(grid[divmod(place, COLUMNS)]), mine, lines)
    return figure


def _panel(condition: Condition) -> Condition:
    """What the lines of one panel have in common."""
    return replace(condition, clock=STILL, delay=0, execute=0)


def _identity(condition: Condition) -> tuple[str, ...]:
    executed = f"{condition.execute} executed" if condition.execute else ""
    return (condition.clock, executed)


def _lines(rows: Sequence[Row]) -> list[Series]:
    """A line for each clock and number of executed actions, the same in every panel."""
    found = sorted({_identity(row.condition) for row in rows})
    return [
        Series(
            identity=identity,
            label=" ".join(filter(None, identity)),
            colour=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            dashes="-",
        )
        for number, identity in enumerate(found)
    ]


def _head(part: SubFigure, rows: Sequence[Row]) -> None:
    names = " and ".join(sorted({row.task for row in rows}))
    worlds = " and ".join(sorted({" / ".join(row.condition.world) for row in rows}))
    note = (
        f"{worlds}; n = {counted(row.n for row in rows)} episodes a point, bars are 95 % "
        "intervals; dashed: the world waits for the policy"
    )
    what = f"Success by the delay of a plan, {names}"
    part.text(0.006, 0.9, what, fontsize=14, fontweight="bold", color=DARK, va="top")
    part.text(0.006, 0.1, note, fontsize=9, color=GREY, va="baseline")


def _draw(axes: Axes, rows: Sequence[Row], lines: Sequence[Series]) -> None:
    of = rows[0].condition
    title(axes, " · ".join((of.policy, *_sampler(of))))
    axes.set_xlabel("control steps from a look to its plan")
    ends = []
    for number, line in enumerate(lines):
        mine = [row for row in rows if _identity(row.condition) == line.identity]
        mine.sort(key=lambda row: row.condition.delay)
        if not mine:
            continue
        shift = _DODGE * ((number + 0.5) / len(lines) - 0.5)
        xs = [row.condition.delay + shift for row in mine]
        ends.append(draw_line(axes, xs, mine, line, size=6))
    for row in rows:
        if row.condition.clock == STILL and not row.condition.execute:
            axes.axhline(100 * (row.rate or 0.0), color=GREY, linestyle="--", linewidth=1.0)
            axes.axhspan(100 * row.interval.low, 100 * row.interval.high, color=GREY, alpha=0.1)
    delays = sorted({row.condition.delay for row in rows})
    axes.set_xticks(delays, [str(delay) for delay in delays])
    axes.set_ylim(-3, 103)
    axes.set_yticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    label_ends(axes, ends, gap=9)


def _sampler(condition: Condition) -> tuple[str, ...]:
    if not condition.steps:
        return ()
    return f"{condition.steps} step{'s' * (condition.steps > 1)}", condition.solver
