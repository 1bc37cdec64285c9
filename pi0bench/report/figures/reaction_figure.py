"""Success against how soon a change of the world is acted on: looks, delays and steps together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pi0bench.records.condition import Condition
from pi0bench.report.condition_profile import Profile, Tempo
from pi0bench.report.figures.axes_style import GREY, png
from pi0bench.report.figures.clock_panels import draw_panels, finish
from pi0bench.report.figures.series import COLOURS, MARKERS, Series
from pi0bench.report.figures.success_panels import draw_line
from pi0bench.report.success_rows import Row

Point = tuple[Tempo, Row]


def has_waits(profiles: Sequence[Profile]) -> bool:
    """Whether some policy was measured at several waits (see `Tempo`)."""
    waits: dict[Condition, set[float]] = {}
    for tempo, row in _points(profiles):
        waits.setdefault(_panel(row.condition), set()).add(tempo.mean_wait)
    return any(len(found) > 1 for found in waits.values())


def reaction_figure(profiles: Sequence[Profile]) -> bytes:
    """Draw reaction.png; the same profiles give the same bytes (see `draw_reaction`)."""
    return png(draw_reaction(profiles))


def draw_reaction(profiles: Sequence[Profile]) -> Figure:
    """Draw a panel a policy and solver, a line a clock and number of steps.

    A point stands at the mean wait, and a thin line leads from it to the worst.

    Args:
        profiles: of all conditions.
    """
    points = _points(profiles)
    lines = _lines([row.condition for _, row in points])
    return draw_panels(
        points,
        "Success by how soon a change is acted on",
        "a point stands at the mean wait, its thin line ends at the worst",
        _panel,
        lambda panel: " · ".join(filter(None, (panel.policy, panel.solver))),
        lambda axes, mine: _draw(axes, mine, lines),
    )


def _points(profiles: Sequence[Profile]) -> list[Point]:
    known = [of for of in profiles if of.total.rate is not None]
    return [(of.tempo, of.total) for of in known if of.tempo is not None]


def _panel(condition: Condition) -> Condition:
    """What the lines of a panel have in common."""
    return replace(condition.waiting, steps=0)


def _identity(condition: Condition) -> tuple[str, ...]:
    steps = condition.steps
    return condition.clock, f"{steps} step{'s' * (steps > 1)}" if steps else ""


def _lines(conditions: Sequence[Condition]) -> list[Series]:
    """A line for each clock and number of steps: a colour a clock, a marker a number."""
    found = sorted({(of.clock, of.steps, _identity(of)) for of in conditions})
    clocks = sorted({clock for clock, *_ in found})
    counts = sorted({steps for _, steps, _ in found})
    return [
        Series(
            identity=identity,
            label=" ".join(filter(None, identity)),
            colour=COLOURS[clocks.index(clock) % len(COLOURS)],
            marker=MARKERS[counts.index(steps) % len(MARKERS)],
            dashes="-",
        )
        for clock, steps, identity in found
    ]


def _draw(axes: Axes, points: Sequence[Point], lines: Sequence[Series]) -> None:
    axes.set_xlabel("control steps from a change until it is acted on")
    ends = []
    for line in lines:
        mine = [point for point in points if _identity(point[1].condition) == line.identity]
        mine.sort(key=lambda point: (point[0].mean_wait, point[1].condition))
        if not mine:
            continue
        for tempo, row in mine:
            ys = [100 * (row.rate or 0.0)] * 2
            axes.plot([tempo.mean_wait, tempo.worst_wait], ys, color=GREY, lw=0.6, alpha=0.5)
        xs = [tempo.mean_wait for tempo, _ in mine]
        ends.append(draw_line(axes, xs, [row for _, row in mine], line, size=5))
    axes.set_xlim(left=0)
    finish(axes, ends)
