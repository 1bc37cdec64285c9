"""Figures of small panels in which each line is a clock: how they are laid out, and its lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pi0bench.records.condition import Condition
from pi0bench.report.figures.axes_style import DARK, GREY
from pi0bench.report.figures.line_labels import End, label_ends
from pi0bench.report.figures.series import COLOURS, MARKERS, Series
from pi0bench.report.success_rows import Row

COLUMNS = 3
_WIDTH_IN, _HEAD_IN, _PANEL_IN = 11.0, 0.6, 2.9


def laid_out(what: str, note: str, panels: int) -> tuple[Figure, list[Axes]]:
    """Return a figure with a head and so many panels; to be called, and drawn in, within STYLE."""
    rows = math.ceil(panels / COLUMNS)
    heights = [_HEAD_IN, rows * _PANEL_IN]
    figure = Figure(figsize=(_WIDTH_IN, sum(heights)), layout="constrained")
    head, body = figure.subfigures(2, 1, height_ratios=heights)  # pyright: ignore[reportGeneralTypeIssues]
    head.text(0.006, 0.9, what, fontsize=14, fontweight="bold", color=DARK, va="top")
    head.text(0.006, 0.1, note, fontsize=9, color=GREY, va="baseline")
    grid = body.add_gridspec(rows, COLUMNS)
    return figure, [body.add_subplot(grid[divmod(place, COLUMNS)]) for place in range(panels)]


def clock_of(condition: Condition) -> tuple[str, ...]:
    """The clock and the number of executed actions: what the points of a line have in common."""
    executed = f"{condition.execute} executed" if condition.execute else ""
    return (condition.clock, executed)


def clock_lines(conditions: Iterable[Condition]) -> list[Series]:
    """A line for each clock and number of executed actions, the same in every panel."""
    return [
        Series(
            identity=identity,
            label=" ".join(filter(None, identity)),
            colour=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            dashes="-",
        )
        for number, identity in enumerate(sorted(set(map(clock_of, conditions))))
    ]


def set_apart(
    rows: Sequence[Row], lines: Sequence[Series], place: Callable[[Row], float], dodge: float
) -> Iterator[tuple[Series, list[float], list[Row]]]:
    """Yield each line that has points, where these stand along the axis, and their rows.

    Args:
        rows: of a panel.
        lines: of the figure.
        place: where a row stands; points of a line are in that order.
        dodge: over which lines are set apart, so that no bar hides another.
    """
    for number, line in enumerate(lines):
        mine = [row for row in rows if clock_of(row.condition) == line.identity]
        mine.sort(key=place)
        shift = dodge * ((number + 0.5) / len(lines) - 0.5)
        if mine:
            yield line, [place(row) + shift for row in mine], mine


def finish(axes: Axes, ends: Sequence[End]) -> None:
    """Set the axis of rates, and name the lines."""
    axes.set_ylim(-3, 103)
    axes.set_yticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    label_ends(axes, ends, gap=9)
