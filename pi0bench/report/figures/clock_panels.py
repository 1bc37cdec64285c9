"""Figures of small panels in which each line is a clock: how they are laid out, and its lines."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pi0bench.records.condition import Condition
from pi0bench.report.figures.axes_style import DARK, GREY, STYLE, counted, title
from pi0bench.report.figures.line_labels import End, label_ends
from pi0bench.report.figures.series import COLOURS, MARKERS, Series
from pi0bench.report.success_rows import Row

T = TypeVar("T")

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


def draw_panels(
    points: Sequence[tuple[T, Row]],
    what: str,
    note: str,
    panel_of: Callable[[Condition], Condition],
    heading: Callable[[Condition], str],
    draw: Callable[[Axes, Sequence[tuple[T, Row]]], None],
) -> Figure:
    """Draw points in panels.

    Args:
        points: where each stands along the axis, and what was reached there.
        what: the figure's head; the tasks follow.
        note: below it, after n.
        panel_of: what the points of a panel have in common.
        heading: a panel's.
        draw: draws the points of a panel.
    """
    panels = sorted({panel_of(row.condition) for _, row in points})
    names = " and ".join(sorted({row.task for _, row in points}))
    n = counted(row.n for _, row in points)
    note = f"n = {n} episodes a point, bars are 95 % intervals; {note}"
    with rc_context(STYLE):
        figure, places = laid_out(f"{what}, {names}", note, len(panels))
        for axes, panel in zip(places, panels, strict=True):
            title(axes, heading(panel), " / ".join(panel.world))
            draw(axes, [point for point in points if panel_of(point[1].condition) == panel])
    return figure


def clock_of(condition: Condition) -> tuple[str, ...]:
    """The clock and the number of executed actions: what the points of a line have in common."""
    executed = f"{condition.execute} executed" if condition.execute else ""
    return (condition.clock, executed)


def clock_lines(conditions: Iterable[Condition]) -> list[Series]:
    """A line for each clock and number of executed actions, the same in every panel."""
    return numbered(sorted(set(map(clock_of, conditions))))


def numbered(identities: Iterable[tuple[str, ...]]) -> list[Series]:
    """A line for each, in this order, with a colour and a marker of its own."""
    return [
        Series(
            identity=identity,
            label=" ".join(filter(None, identity)),
            colour=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            dashes="-",
        )
        for number, identity in enumerate(identities)
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
