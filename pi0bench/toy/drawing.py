"""How the room, its wall and what happens in it are drawn, and what is written above."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from pi0bench.report.figures.axes_style import DARK, GREY
from pi0bench.toy import world

# Okabe and Ito's colours, which colour-blind readers tell apart.
UPPER, LOWER, WALL_HIT, MISSED = "#0072B2", "#009E73", "#D55E00", "#CC79A7"
WALL, INK = "#555555", "#222222"
VIEW = (-0.18, 1.18)
_FAR = 2.0

LEGEND = {
    "reaches the goal\nthrough the upper gap": UPPER,
    "reaches the goal\nthrough the lower gap": LOWER,
    "drives into the wall (x)": WALL_HIT,
    "ends elsewhere": MISSED,
}


def headline(figure: Figure, y: float, text: str) -> None:
    """Write what a picture shows at its top left, `y` of its height."""
    figure.text(0.01, y, text, fontsize=14, fontweight="bold", color=DARK, va="top")


def explanation(figure: Figure, y: float, text: str) -> None:
    """Write how to read a picture below its headline, `y` of its height."""
    figure.text(0.01, y, text, fontsize=9, color=GREY, va="top")


def draw_room(axes: Axes, ends: bool = True) -> None:
    """Draw the wall and, if wanted, start and goal; room lengths on both axes, no ticks."""
    for low, high in world.BLOCKS:
        across = np.clip([low, high, high, low], -_FAR, _FAR)
        ring = np.stack([np.repeat(world.WALL, 2), across], axis=-1)
        axes.fill(*world.in_room_axes(ring).T, color=WALL, linewidth=0, zorder=3)
    if ends:
        axes.plot(*world.START, "o", color=INK, markersize=4, zorder=5)
        axes.plot(*world.GOAL, "*", color=INK, markersize=8, zorder=5)
    axes.set(xlim=VIEW, ylim=VIEW, xticks=[], yticks=[], aspect="equal")
    axes.grid(visible=False)


def draw_paths(axes: Axes, starts: world.Numbers, paths: world.Numbers) -> None:
    """Draw paths (N, H, 2) from starts (N, 2), each up to where it meets the wall."""
    outcome = world.judge(starts, paths)
    points = np.concatenate([starts[:, None], paths], axis=1)
    cut = [_until(*pair) for pair in zip(points, outcome.contact, strict=True)]
    colours = np.where(outcome.upper, UPPER, LOWER).astype(object)
    colours[~outcome.arrived] = MISSED
    colours[outcome.touched] = WALL_HIT
    axes.add_collection(
        LineCollection(cut, colors=list(colours), linewidths=0.8, alpha=0.6, zorder=2)
    )
    hits = np.array([line[-1] for line, hit in zip(cut, outcome.touched, strict=True) if hit])
    if len(hits):
        axes.plot(*hits.T, "x", color=WALL_HIT, markersize=4, markeredgewidth=1.0, zorder=4)


def _until(points: world.Numbers, contact: float) -> world.Numbers:
    """The beginning of a path (H + 1, 2) that is `contact` lines long."""
    if not np.isfinite(contact):
        return points
    line = min(int(contact), len(points) - 2)
    end = points[line] + (contact - line) * (points[line + 1] - points[line])
    return np.concatenate([points[: line + 1], end[None]])
