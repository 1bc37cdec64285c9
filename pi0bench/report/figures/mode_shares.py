"""How often each mode was taken: a stacked bar each condition, the demonstrations' on top."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, groupby

from matplotlib.axes import Axes

from pi0bench.records.condition import Condition
from pi0bench.report.figures.axes_style import DARK, GREY
from pi0bench.report.figures.series import Series
from pi0bench.report.mode_counts import Choice, Split, demonstrated

MOST_BARS = 40
MARK = "#D00000"
_TOP = -1.3
"""Where the demonstrations' bar is; the conditions' are at 0, 1, 2, …."""


def barred(choices: Sequence[Choice]) -> list[Condition]:
    """Return the conditions that get a bar, from top to bottom, in the order of the choices.

    Where there are too many, of each line only the fewest and the most steps; of these the first.
    """
    conditions = list(dict.fromkeys(c.condition for c in choices))
    if len(conditions) > MOST_BARS:
        lines = [list(group) for _, group in groupby(conditions, key=lambda c: c.curve)]
        conditions = [c for line in lines for c in dict.fromkeys((line[0], line[-1]))]
    return conditions[:MOST_BARS]


def draw(
    axes: Axes,
    choices: Sequence[Choice],
    conditions: Sequence[Condition],
    lines: Sequence[Series],
    named: bool,
) -> None:
    """Draw the bars of one task.

    Args:
        axes: the panel.
        choices: on this task.
        conditions: one bar each, from the top down.
        lines: for names and colours.
        named: True to write the conditions' names on the left.
    """
    by_condition = {choice.condition: choice for choice in choices}
    bars = [
        (place, by_condition[condition])
        for place, condition in enumerate(conditions)
        if condition in by_condition
    ]
    splits = [(float(place), choice.taken) for place, choice in bars]
    on_top = [split for _, split in demonstrated(choices)]
    if len(on_top) == 1:
        splits.insert(0, (_TOP, on_top[0]))
    _stack(axes, splits)
    _mark(axes, [(place, choice.shown) for place, choice in bars if choice.shown])
    axes.set_title(choices[0].task, loc="left", fontsize=9, fontweight="bold", color=DARK, pad=17)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "50", "100 %"], fontsize=8)
    axes.set_ylim(len(conditions) - 0.4, _TOP - 0.6)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_yticks([])
    if named:
        _name(axes, conditions, lines)


def _stack(axes: Axes, splits: Sequence[tuple[float, Split]]) -> None:
    """Draw a bar each split, its modes in shades of grey, with how many took one behind it."""
    modes = [mode for mode, _ in splits[0][1].counts]
    places = [place for place, split in splits if split.n]
    shares = [list(split.shares.values()) for _, split in splits if split.n]
    left = [0.0] * len(places)
    for number, mode in enumerate(modes):
        shade = str(0.30 + 0.55 * number / max(len(modes) - 1, 1))
        widths = [share[number] for share in shares]
        axes.barh(places, widths, left=left, color=shade, height=0.8, linewidth=0, label=mode)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for place, split in splits:
        axes.text(1.01, place, str(split.n), fontsize=7, color=GREY, va="center")
    axes.text(1.01, _TOP - 0.95, "n", fontsize=7, color=GREY, va="center")
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=len(modes),
        frameon=False,
        fontsize=8,
        borderpad=0,
        borderaxespad=0.3,
        handlelength=1,
    )


def _mark(axes: Axes, shown: Sequence[tuple[int, Split]]) -> None:
    """Mark in each bar where the demonstrations' shares end."""
    marks = [(end, y) for y, split in shown for end in [*accumulate(split.shares.values())][:-1]]
    if marks:
        xs, ys = zip(*marks, strict=True)
        axes.vlines(xs, [y - 0.5 for y in ys], [y + 0.5 for y in ys], color=MARK, linewidth=1.0)


def _name(axes: Axes, conditions: Sequence[Condition], lines: Sequence[Series]) -> None:
    """Write on the left which bar is whose, in the colour of its line."""
    mine = [next(line for line in lines if line.holds(c)) for c in conditions]
    names = [
        f"{line.label} · {condition.steps}" if condition.steps else line.label
        for line, condition in zip(mine, conditions, strict=True)
    ]
    axes.set_yticks([_TOP, *range(len(names))], ["demonstrations", *names], fontsize=8)
    for tick, line in zip(axes.get_yticklabels()[1:], mine, strict=True):
        tick.set_color(line.colour)
