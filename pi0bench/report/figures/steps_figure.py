"""The figure that the benchmark is about: success by sampler steps and time, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median_low

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from pi0bench.errors import UsageError
from pi0bench.report.condition_profile import Profile
from pi0bench.report.figures import cost_panels, mode_shares, success_panels
from pi0bench.report.figures.axes_style import DARK, GREY, STYLE, counted, png
from pi0bench.report.figures.series import Series, series_of
from pi0bench.report.mode_counts import Choice
from pi0bench.report.statistical_methods import FIXED, Analysis
from pi0bench.report.success_rows import Row

WIDTH_IN = 11.0
HEAD_IN, WORDS_IN, LARGE_IN, SMALL_IN = 0.6, 0.5, 4.4, 2.1
BARS_IN, BAR_IN = 0.85, 0.16
COLUMNS = 4


def steps_figure(
    profiles: Sequence[Profile], choices: Sequence[Choice], kind: Analysis = FIXED
) -> bytes:
    """Draw steps.png; the same profiles and choices give the same bytes (see `draw_steps`)."""
    return png(draw_steps(profiles, choices, kind))


def draw_steps(
    profiles: Sequence[Profile], choices: Sequence[Choice], kind: Analysis = FIXED
) -> Figure:
    """Draw the figure.

    From top to bottom: success against trunk evaluations and against milliseconds; the reasons
    why; how often each mode was taken; success on each task. What was not measured is left out.

    Args:
        profiles: of all conditions.
        choices: on the tasks with modes.
        kind: the statistics of the run.

    Raises:
        UsageError: nothing was measured.
    """
    profiles = [p for p in profiles if p.total.rate is not None]
    if not profiles:
        raise UsageError("steps figure: nothing was measured, so there is no curve to draw")
    profiles = sorted(profiles, key=lambda p: (p.condition.curve, p.condition.steps))
    roles = {p.condition.policy: p.total.role for p in profiles}
    lines = series_of((p.condition for p in profiles), roles)
    with rc_context(STYLE):
        return _figure(profiles, choices, lines, kind)


@dataclass(frozen=True)
class Band:
    """A row of panels."""

    height_in: float
    draw: Callable[[SubFigure], None]


def _figure(
    profiles: Sequence[Profile],
    choices: Sequence[Choice],
    lines: Sequence[Series],
    kind: Analysis,
) -> Figure:
    bands = [
        _head(profiles),
        Band(LARGE_IN, lambda part: _large(part, [p.total for p in profiles], lines)),
        *_why(profiles, lines),
        *_shares(choices, lines, kind),
        *_tasks([row for p in profiles for row in p.tasks if row.rate is not None], lines),
    ]
    heights = [band.height_in for band in bands]
    figure = Figure(figsize=(WIDTH_IN, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(bands), 1, height_ratios=heights)
    for part, band in zip(parts, bands, strict=True):  # pyright: ignore[reportArgumentType]
        band.draw(part)
    return figure


def _head(profiles: Sequence[Profile]) -> Band:
    totals = [p.total for p in profiles]
    names = " and ".join(sorted({row.task for row in totals}))
    worlds = " and ".join(sorted({" / ".join(row.condition.world) for row in totals}))
    note = (
        f"{worlds}; n = {counted(row.n for row in totals)} episodes a point, bars are 95 % "
        "intervals; steps rise along a line, a lone point has no sampler or one step count"
    )
    return _words(f"Success by sampler steps and time, {names}", note, HEAD_IN, size=14)


def _words(title: str, note: str, height_in: float, size: float) -> Band:
    """Return a row without panels: what the next ones show, and how to read them."""

    def draw(part: SubFigure) -> None:
        part.text(0.006, 0.9, title, fontsize=size, fontweight="bold", color=DARK, va="top")
        part.text(0.006, 0.15, note, fontsize=9, color=GREY, va="baseline")

    return Band(height_in, draw)


def _large(part: SubFigure, rows: Sequence[Row], lines: Sequence[Series]) -> None:
    timed = any(row.replan_ms for row in rows)
    left, *right = part.subplots(1, 1 + timed, squeeze=False)[0]
    success_panels.against_evaluations(left, rows, lines)
    for axes in right:
        success_panels.against_milliseconds(axes, rows, lines)


def _why(profiles: Sequence[Profile], lines: Sequence[Series]) -> Iterator[Band]:
    reasons = cost_panels.reasons(profiles)

    def draw(part: SubFigure) -> None:
        for axes, reason in zip(_grid(part, len(reasons)), reasons, strict=True):
            cost_panels.draw(axes, reason, profiles, lines)

    if reasons:
        yield _words("Why", cost_panels.note(profiles), WORDS_IN, size=11)
        yield Band(SMALL_IN, draw)


def _shares(choices: Sequence[Choice], lines: Sequence[Series], kind: Analysis) -> Iterator[Band]:
    bars = mode_shares.barred(choices)
    tasks = sorted({choice.task for choice in choices})

    def draw(part: SubFigure) -> None:
        for place, (axes, task) in enumerate(zip(_grid(part, len(tasks)), tasks, strict=True)):
            mine = [choice for choice in choices if choice.task == task]
            mode_shares.draw(axes, mine, bars, lines, named=place % COLUMNS == 0)

    if tasks:
        rows = math.ceil(len(tasks) / COLUMNS)
        note = (
            "share of the n episodes that took one, by policy · steps; red: where the shares of "
            f"the demonstrations end; {_precision(choices, kind)}"
        )
        yield _words("Which of several right ways was taken", note, WORDS_IN, size=11)
        yield Band(rows * (BARS_IN + BAR_IN * len(bars)), draw)


def _precision(choices: Sequence[Choice], kind: Analysis) -> str:
    """Say how well a share is known, at the median n and a share of one half."""
    n = median_low(choice.taken.n for choice in choices)
    interval = kind.rate(n // 2, n, 0.95)
    return f"at n = {n} a share is known to about ±{50 * (interval.high - interval.low):.0f} points"


def _tasks(rows: Sequence[Row], lines: Sequence[Series]) -> Iterator[Band]:
    tasks = sorted({row.task for row in rows})

    def draw(part: SubFigure) -> None:
        for axes, task in zip(_grid(part, len(tasks)), tasks, strict=True):
            success_panels.of_task(axes, [row for row in rows if row.task == task], lines)

    if len(tasks) > 1:
        note = "against trunk evaluations a re-plan; colours as above, bars are 95 % intervals"
        yield _words("Success on each task", note, WORDS_IN, size=11)
        yield Band(SMALL_IN * math.ceil(len(tasks) / COLUMNS), draw)


def _grid(part: SubFigure, count: int) -> list[Axes]:
    """Return so many panels, in rows of `COLUMNS`; fewer share the whole width."""
    columns = min(count, COLUMNS)
    rows = math.ceil(count / columns)
    grid = part.add_gridspec(rows, columns)
    return [part.add_subplot(grid[divmod(place, columns)]) for place in range(count)]
