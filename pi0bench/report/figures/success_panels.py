"""Success rates with their intervals: two large panels, and a small one each task."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from pi0bench.report.figures.axes_style import counted, log2, scale, title
from pi0bench.report.figures.line_labels import End, label_ends
from pi0bench.report.figures.series import Series
from pi0bench.report.success_rows import Row

Place = Callable[[Row], float | None]
EVALUATIONS = "trunk evaluations a re-plan"
MILLISECONDS = "milliseconds a re-plan"


def against_evaluations(axes: Axes, rows: Sequence[Row], lines: Sequence[Series]) -> None:
    """Draw the large panel whose horizontal axis is trunk evaluations a re-plan."""
    note = "lines are set a little apart sideways, so that no bar hides another"
    title(axes, "Success by trunk evaluations", note, large=True)
    axes.set_xlabel(EVALUATIONS)
    _large(axes, rows, lines, lambda r: r.evaluations, dodge=0.35)


def against_milliseconds(axes: Axes, rows: Sequence[Row], lines: Sequence[Series]) -> None:
    """Draw the large panel whose horizontal axis is the measured time of a re-plan."""
    timed = counted(row.timed for row in rows if row.replan_ms)
    note = f"median of one robot's first re-plan of an episode, n = {timed}"
    title(axes, "Success by measured time", note, large=True)
    axes.set_xlabel(MILLISECONDS)
    _large(axes, rows, lines, lambda r: r.replan_ms and r.replan_ms[0], dodge=0.0)


def of_task(axes: Axes, rows: Sequence[Row], lines: Sequence[Series]) -> None:
    """Draw the small panel of one task, against trunk evaluations."""
    title(axes, rows[0].task, f"n = {counted(r.n for r in rows)}")
    axes.tick_params(labelsize=8)
    _points(axes, rows, lines, lambda r: r.evaluations, dodge=0.5, size=5)
    _rates(axes, 0, 100)


def _large(
    axes: Axes, rows: Sequence[Row], lines: Sequence[Series], place: Place, dodge: float
) -> None:
    low = 10 * math.floor(10 * min(r.interval.low for r in rows))
    high = 10 * math.ceil(10 * max(r.interval.high for r in rows))
    ends = _points(axes, rows, lines, place, dodge, size=7)
    _rates(axes, low, high)
    label_ends(axes, ends, gap=(high - low) / 22)


def _points(
    axes: Axes,
    rows: Sequence[Row],
    lines: Sequence[Series],
    place: Place,
    dodge: float,
    size: float,
) -> list[End]:
    """Draw every line, set apart within `dodge` so that no bar hides another; return the ends."""
    placed = [(x, row) for row in rows if (x := place(row)) is not None]
    ends = []
    for number, line in enumerate(lines):
        mine = [(x, row) for x, row in placed if line.holds(row.condition)]
        mine.sort(key=lambda point: point[1].condition.steps)
        if not mine:
            continue
        shift = dodge * ((number + 0.5) / len(lines) - 0.5)
        xs = [log2(x) + shift for x, _ in mine]
        ends.append(draw_line(axes, xs, [row for _, row in mine], line, size))
    scale(axes, [x for x, _ in placed])
    return ends


def draw_line(
    axes: Axes, xs: Sequence[float], rows: Sequence[Row], line: Series, size: float
) -> End:
    """Draw success rates with their intervals at places `xs`, and return where they end."""
    rates = [100 * (row.rate or 0.0) for row in rows]
    below = [rate - 100 * row.interval.low for rate, row in zip(rates, rows, strict=True)]
    above = [100 * row.interval.high - rate for rate, row in zip(rates, rows, strict=True)]
    axes.errorbar(
        xs,
        rates,
        yerr=(below, above),
        color=line.colour,
        marker=line.marker,
        linestyle=line.dashes,
        markersize=size,
        markeredgecolor="white",
        markeredgewidth=0.5,
        linewidth=1.5,
        elinewidth=0.8,
        capsize=0,
    )
    return End(xs[-1], rates[-1], line)


def _rates(axes: Axes, low: int, high: int) -> None:
    step = 10 if high - low <= 60 else 25 if (low, high) == (0, 100) else 20
    ticks = list(range(low, high + 1, step))
    axes.set_ylim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    axes.set_yticks(ticks, [f"{t} %" if t == ticks[-1] else str(t) for t in ticks])
