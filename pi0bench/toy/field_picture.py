"""The picture of why one step of flow fails and one of rectified flow does not."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pi0bench.report.figures.axes_style import DARK, GREY, STYLE
from pi0bench.toy import world
from pi0bench.toy.drawing import LOWER, UPPER, WALL, WALL_HIT, draw_room, explanation, headline
from pi0bench.toy.fields import TIMES, Field

_NAMES = {"flow": "flow", "rectified": "rectified flow"}
_LINES = 60
_EDGES = {"top": 0.82, "bottom": 0.07, "hspace": 0.26}
_ACROSS = (-0.85, 0.85)


def field_picture(fields: Sequence[Field]) -> bytes:
    """Draw a row for each head as a PNG: its field at some times, then many steps and one."""
    with rc_context(STYLE):
        figure = Figure(figsize=(14.5, 7.4))
        kinds = {"left": (0.025, 0.585, 0.08, len(TIMES)), "right": (0.64, 0.985, 0.1, 2)}
        left, right = (
            figure.add_gridspec(
                *(len(fields), columns),
                **{"left": begin, "right": end, "wspace": space, **_EDGES},
            ).subplots(squeeze=False)
            for begin, end, space, columns in kinds.values()
        )
        for snapshots, (many, one), field in zip(left, right, fields, strict=True):
            for place, axes in enumerate(snapshots):
                _arrows(axes, field, place)
            name = _NAMES[field.card]
            snapshots[0].set_ylabel(name, labelpad=2, fontsize=12, fontweight="bold", color=DARK)
            _lines(many, field.lines[:, :_LINES], f"{len(field.lines) - 1} Euler steps")
            _lines(one, np.stack([field.lines[0], field.jump])[:, :_LINES], "1 Euler step")
            many.set_ylabel("place along the wall", labelpad=0)
            one.set_yticklabels([])
        _head(figure)
        data = io.BytesIO()
        figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()


def _arrows(axes: Axes, field: Field, place: int) -> None:
    """The field at one time over the room, and where the points are by then."""
    time = TIMES[place]
    steps = len(field.lines) - 1
    draw_room(axes, ends=False)
    across = world.in_wall_axes(field.lines[-1])[:, 1]
    now = field.lines[round(time * steps)]
    axes.scatter(
        *now.T, s=9, alpha=0.75, c=np.where(across > 0, UPPER, LOWER), linewidths=0, zorder=4
    )
    axes.quiver(
        *field.places.T,
        *field.arrows[place].T,
        angles="xy",
        scale_units="xy",
        scale=6,
        width=0.005,
        color="#444444",
        zorder=5,
    )
    axes.set_title(f"t = {time:g}", loc="left", fontsize=10, fontweight="bold", color=DARK)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    for spine in axes.spines.values():
        spine.set(visible=True, color="#c8c8c8")


def _lines(axes: Axes, lines: world.Numbers, words: str) -> None:
    """Places along the wall over time, (steps + 1, N, 2), with the wall at the end."""
    across = world.in_wall_axes(lines)[..., 1]
    time = np.linspace(0, 1, len(across))
    for low, high in world.BLOCKS:
        ends = np.clip([low, high], *_ACROSS)
        axes.fill_between([1.0, 1.05], *ends, color=WALL, linewidth=0)
    end = across[-1]
    free = np.any([(low < end) & (end < high) for low, high in world.GAPS], axis=0)
    colours = np.where(free, np.where(end > 0, UPPER, LOWER), WALL_HIT)
    for one, colour in zip(across.T, colours, strict=True):
        axes.plot(time, one, color=colour, linewidth=0.9, alpha=0.65)
    axes.set_title(words, loc="left", fontsize=10, fontweight="bold", color=DARK)
    share = f"{int(free.sum())} of {len(free)} in a gap"
    axes.set_title(share, loc="right", fontsize=9, color=GREY)
    axes.set(xlim=(0, 1.05), ylim=_ACROSS, xticks=[0, 0.5, 1], yticks=[])
    axes.set_yticks([-0.3, 0, 0.3], ["lower\ngap", "wall", "upper\ngap"])
    axes.set_xlabel("time t, from noise to data", labelpad=2)
    axes.grid(visible=False)


def _head(figure: Figure) -> None:
    headline(
        figure,
        0.985,
        "One step goes where the field points at t = 0: "
        "for flow at the mean of both gaps, which is wall",
    )
    explanation(
        figure,
        0.935,
        "The same heads, asked only for the waypoint at the wall. Left: the middle of the room, "
        "the field (arrows, a sixth of their length) and the points that it carries from noise,\n"
        "t = 0, to data, t = 1; blue end in the upper gap, green in the lower. Right: the same "
        "points' place along the wall; orange end in the wall. Flow meets each noise with data of\n"
        "either gap and learns their mean; rectified flow learned where flow takes each noise, so "
        "its arrows part at once.",
    )
