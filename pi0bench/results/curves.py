"""Success against sampler steps: the figure that the benchmark is about."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pi0bench.errors import UsageError
from pi0bench.results.files import write_atomic
from pi0bench.results.rows import Row
from pi0bench.results.series import Series, series_of

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
    "savefig.dpi": 150,
    "svg.hashsalt": "pi0bench",
}
COLUMNS = 4
LARGE_IN, SMALL_IN = 4.4, 2.0


def steps_figure(rows: Sequence[Row], path: Path) -> None:
    """Draw success rates with 95 % intervals against sampler steps into `path` (.png or .svg).

    The suite mean is large, each task is small; without a mean the first task is the large one.
    The same rows give the same bytes.
    """
    rows = [r for r in rows if r.rate is not None]
    if not rows:
        raise UsageError(f"{path}: nothing was measured, so there is no curve to draw")
    tasks = sorted({r.task for r in rows if not r.is_mean})
    means = [r for r in rows if r.is_mean]
    large, small = (means, tasks) if means else ([r for r in rows if r.task == tasks[0]], tasks[1:])
    lines = series_of(rows)
    heights = [LARGE_IN] + [SMALL_IN] * math.ceil(len(small) / COLUMNS)
    with rc_context(STYLE):
        figure = Figure(figsize=(9.6, sum(heights)), layout="constrained")
        grid = figure.add_gridspec(len(heights), COLUMNS, height_ratios=heights)
        axes = figure.add_subplot(grid[0, :])
        _panel(axes, large, lines, dodge=0.05)
        _label(axes, large, lines)
        _headline(axes, large)
        for place, task in enumerate(small):
            axes = figure.add_subplot(grid[1 + place // COLUMNS, place % COLUMNS])
            chosen = [r for r in rows if r.task == task]
            _panel(axes, chosen, lines, dodge=0.08)
            axes.set_title(f"{task}, n = {_n(chosen)}", loc="left", fontsize=8, color="#333333")
            axes.tick_params(labelsize=7)
        data = io.BytesIO()
        kind = path.suffix.lstrip(".")
        stamp = "Date" if kind == "svg" else "Software"
        figure.savefig(data, format=kind, metadata={stamp: None})
    write_atomic(path, data.getvalue())


def _panel(axes: Axes, rows: Sequence[Row], lines: Sequence[Series], dodge: float) -> None:
    """Draw every line's points, set a little apart so that no bar hides another."""
    steps = sorted({r.condition.steps for r in rows})
    for place, line in enumerate(lines):
        mine = line.rows_of(rows)
        shift = dodge * (place - (len(lines) - 1) / 2)
        rates = [100 * (r.rate or 0.0) for r in mine]
        bars = (
            [rate - 100 * r.interval.low for r, rate in zip(mine, rates, strict=True)],
            [100 * r.interval.high - rate for r, rate in zip(mine, rates, strict=True)],
        )
        axes.errorbar(
            [_x(r.condition.steps) + shift for r in mine],
            rates,
            yerr=bars,
            color=line.colour,
            marker=line.marker,
            linestyle=line.dashes,
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.6,
            linewidth=1.6,
            elinewidth=1.0,
            capsize=0,
        )
        if len(mine) == 1 and len(steps) > 1:
            axes.axhline(rates[0], color=line.colour, linestyle=(0, (1, 3)), linewidth=1.0)
    axes.set_xticks([_x(s) for s in steps], [str(s) for s in steps])
    axes.set_xlim(_x(steps[0]) - 0.35, _x(steps[-1]) + 0.35)
    axes.set_ylim(-3, 103)
    axes.set_yticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    axes.tick_params(length=0)


def _x(steps: int) -> float:
    """Return the place of a step count: doublings are equally far apart, 0 is left of 1."""
    return math.log2(steps) if steps > 0 else -1.0


def _label(axes: Axes, rows: Sequence[Row], lines: Sequence[Series]) -> None:
    """Write each line's name beside its end, moved up where two names would overlap."""
    gap = 6.0
    ends = [(100 * (mine[-1].rate or 0.0), line) for line in lines if (mine := line.rows_of(rows))]
    places: list[float] = []
    for rate, _ in (ends := sorted(ends, key=lambda end: (end[0], end[1].label))):
        places.append(max(rate, places[-1] + gap) if places else rate)
    # Names pushed over the top come down again, the highest first.
    for i in reversed(range(len(places))):
        places[i] = min(places[i], places[i + 1] - gap if i + 1 < len(places) else 100.0)
    where = axes.get_yaxis_transform()
    for place, (_, line) in zip(places, ends, strict=True):
        axes.text(1.01, place, line.label, transform=where, color=line.colour, va="center")


def _headline(axes: Axes, rows: Sequence[Row]) -> None:
    names = " and ".join(sorted({r.task for r in rows}))
    axes.set_title(
        f"Success rate by sampler steps, {names}",
        loc="left",
        fontweight="bold",
        fontsize=12,
        pad=22,
    )
    note = f"n = {_n(rows)} episodes a point; bars are 95 % intervals"
    axes.text(0, 1.025, note, transform=axes.transAxes, color="#666666")
    axes.set_xlabel("sampler steps")


def _n(rows: Sequence[Row]) -> str:
    low, high = min(r.n for r in rows), max(r.n for r in rows)
    return str(low) if low == high else f"{low} to {high}"
