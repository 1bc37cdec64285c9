"""How every panel looks, where a number stands on its axis, and a figure as a picture."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a8a8a",
    "axes.labelcolor": "#333333",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e8e8e8",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "savefig.dpi": 150,
}
DARK, GREY = "#333333", "#666666"
_ZERO = 0.5
"""What stands for 0 on a logarithmic axis: a doubling left of 1, where evaluations begin."""


def log2(value: float) -> float:
    """Return the place of a count or of milliseconds: doublings are equally far apart."""
    return math.log2(max(value, _ZERO))


def scale(axes: Axes, values: Iterable[float], margin: float = 0.35) -> None:
    """Set a logarithmic horizontal axis to hold `values`, with ticks at round numbers and 0."""
    values = list(values)
    low, high = log2(min(values)) - margin, log2(max(values)) + margin
    for digits in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        ticks = [digit * 10.0**power for power in range(-1, 7) for digit in digits]
        ticks = [tick for tick in ticks if tick > _ZERO and low <= log2(tick) <= high]
        if len(ticks) > 2:
            break
    if min(values) <= 0.0:
        ticks = [0.0, *ticks]
    axes.set_xticks([log2(tick) for tick in ticks], [f"{tick:g}" for tick in ticks])
    axes.set_xlim(low, high)


def title(axes: Axes, text: str, note: str = "", large: bool = False) -> None:
    """Write what a panel shows, and below it, smaller, its n and its bars."""
    size = 11 if large else 9
    pad = 15 if note else 4
    axes.set_title(text, loc="left", fontsize=size, fontweight="bold", color=DARK, pad=pad)
    if note:
        axes.annotate(
            note,
            (0, 1),
            xytext=(0, 3),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=8,
            color=GREY,
        )


def counted(counts: Iterable[int]) -> str:
    """Write one n, or the least and the most."""
    counts = list(counts)
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"


def png(figure: Figure) -> bytes:
    """The picture's bytes, the same for the same figure."""
    data = io.BytesIO()
    with rc_context(STYLE):
        figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()
