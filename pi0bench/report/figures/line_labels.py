"""Names beside the ends of lines, so that no reader has to look anything up in a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from pi0bench.report.figures.series import Series

_GUTTER = 0.06
"""Between the panel's edge and the names, of the panel's width."""


@dataclass(frozen=True)
class End:
    """Where a line ends, in the panel's coordinates."""

    x: float
    y: float
    series: Series


def label_ends(axes: Axes, ends: Sequence[End], gap: float) -> None:
    """Write the names right of the panel, each tied to its line's end.

    Args:
        axes: the panel, with its limits set.
        ends: one each line.
        gap: the least distance between two names, in units of the vertical axis.
    """
    ends = sorted(ends, key=lambda end: (end.y, end.series.label))
    right, where = axes.get_xlim()[1], axes.get_yaxis_transform()
    low, high = axes.get_ylim()
    for place, end in zip(spread([e.y for e in ends], gap, low, high), ends, strict=True):
        colour = end.series.colour
        axes.plot([end.x, right], [end.y, end.y], color=colour, linewidth=0.7, linestyle=":")
        axes.plot(
            [1.0, 1.0 + _GUTTER],
            [end.y, place],
            transform=where,
            color=colour,
            linewidth=0.7,
            clip_on=False,
            marker=end.series.marker,
            markevery=[1],
            markersize=5,
        )
        left = 1.02 + _GUTTER
        axes.text(left, place, end.series.label, transform=where, color=colour, va="center")


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return places at least `gap` apart, near the `wanted` ones and in the same order.

    Args:
        wanted: rising.
        gap: the least distance of two places.
        low: the lowest place, unless there are too many for low to high.
        high: the highest place.
    """
    # Places that would overlap form a group around the mean of what its members want.
    groups: list[list[float]] = []
    for value in wanted:
        groups.append([value])
        while len(groups) > 1 and _start(groups[-2], gap, low, high) + gap * len(
            groups[-2]
        ) > _start(groups[-1], gap, low, high):
            last = groups.pop()
            groups[-1] += last
    return [
        _start(group, gap, low, high) + gap * place
        for group in groups
        for place in range(len(group))
    ]


def _start(group: Sequence[float], gap: float, low: float, high: float) -> float:
    """The lowest place of a group: centred on what is wanted, within low to high."""
    height = gap * (len(group) - 1)
    return min(max(sum(group) / len(group) - height / 2, low), high - height)
