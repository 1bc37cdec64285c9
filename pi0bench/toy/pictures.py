"""The picture of sample paths: a row each way of making them, a column each step count."""

from __future__ import annotations

import io
from collections.abc import Mapping

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pi0bench.report.figures.axes_style import DARK, GREY, STYLE
from pi0bench.report.number_format import percent, percents
from pi0bench.toy import world
from pi0bench.toy.drawing import LEGEND, draw_paths, draw_room, explanation, headline
from pi0bench.toy.measure import Measured
from pi0bench.toy.recipes import SHOWN, STEPS, WAYS, Key, Way

_DRAWN = 60
_PANEL_IN, _HEAD_IN = 2.15, 1.05


def paths_picture(
    starts: world.Numbers, paths: Mapping[Key, world.Numbers], measured: Mapping[Key, Measured]
) -> bytes:
    """Draw paths as a PNG.

    Args:
        starts: of all paths, (N, 2).
        paths: by way and steps, (N, H, 2) each; with demonstrations among them.
        measured: what became of them.
    """
    single = [SHOWN, *(way for way in WAYS if not way.solver)]
    stepped = [way for way in WAYS if way.solver]
    columns = len(STEPS)
    first = -(-(len(single) + 1) // columns)  # rows without steps, and the legend
    rows = first + len(stepped)
    height = rows * (_PANEL_IN + 0.2) + _HEAD_IN
    with rc_context(STYLE):
        figure = Figure(figsize=(columns * _PANEL_IN + 1.4, height))
        top = 1 - _HEAD_IN / height
        grid = figure.subplots(
            rows,
            columns,
            squeeze=False,
            gridspec_kw={
                "left": 0.11,
                "right": 0.995,
                "top": top - 0.008,
                "bottom": 0.004,
                "wspace": 0.04,
                "hspace": 0.13,
            },
        )
        panels = grid[:first].flatten()
        for axes, way in zip(panels, single, strict=False):
            _panel(axes, f"{way.name}\n", starts, paths[way.name, 0], measured[way.name, 0])
        for axes in panels[len(single) :]:
            axes.set_axis_off()
        _legend(panels[len(single)])
        for line, way in zip(grid[first:], stepped, strict=True):
            _name(line[0], way)
            for axes, steps in zip(line, way.steps, strict=True):
                words = f"{steps} step{'' if steps == 1 else 's'}"
                key = way.name, steps
                _panel(axes, words, starts, paths[key], measured[key])
        _head(figure, height, len(starts))
        data = io.BytesIO()
        figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()


def _panel(
    axes: Axes, words: str, starts: world.Numbers, paths: world.Numbers, found: Measured
) -> None:
    draw_room(axes)
    draw_paths(axes, starts[:_DRAWN], paths[:_DRAWN])
    axes.set_title(words, loc="left", fontsize=9, fontweight="bold", color=DARK, pad=3)
    rate = f"{percent(found.succeeded.rate)} {percents(found.succeeded.interval)}"
    axes.set_title(rate, loc="right", fontsize=7.5, color=GREY, pad=3)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#c8c8c8")


def _name(axes: Axes, way: Way) -> None:
    axes.set_ylabel(f"{way.name}\nby {way.solver}", fontsize=10, color=DARK, labelpad=8)


def _legend(axes: Axes) -> None:
    lines = [Line2D([], [], color=colour, linewidth=2) for colour in LEGEND.values()]
    axes.legend(lines, list(LEGEND), loc="center left", fontsize=7.5, frameon=False, handlelength=1)


def _head(figure: Figure, height: float, n: int) -> None:
    headline(
        figure,
        1 - 0.12 / height,
        "From start ● to goal ★ through one of two gaps: what each way of making paths does",
    )
    explanation(
        figure,
        1 - 0.42 / height,
        "Each panel is the room, with start ● near (0, 0), goal ★ at (1, 1) and the wall in grey, "
        f"and {_DRAWN} paths, drawn up to where they meet the wall.\nPer cent: the paths that "
        f"reach the goal and never touch the wall, of n = {n}, with 95 % intervals. All panels "
        "have the same starts, all step counts the same noise.",
    )
