"""Success against plans a second: a panel a policy and sampler, a line a rule for looking again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pi0bench.records.condition import Condition
from pi0bench.records.record import FIXED_LOOK, STILL, USUAL_HZ
from pi0bench.report.condition_profile import Profile
from pi0bench.report.figures.axes_style import png
from pi0bench.report.figures.clock_panels import draw_panels, finish, numbered
from pi0bench.report.figures.series import Series
from pi0bench.report.figures.success_panels import draw_line
from pi0bench.report.success_rows import Row

Point = tuple[float, Row]
"""Plans a second of the robot's time, and what was reached."""


def has_efforts(profiles: Sequence[Profile]) -> bool:
    """Whether some policy looked again by several rules, or after several numbers of actions."""
    found: dict[Condition, set[tuple[int, str]]] = {}
    for _, row in _points(profiles):
        of = row.condition
        found.setdefault(_panel(of), set()).add((of.execute, of.look))
    return any(len(rules) > 1 for rules in found.values())


def effort_figure(profiles: Sequence[Profile]) -> bytes:
    """Draw effort.png; the same profiles give the same bytes (see `draw_effort`)."""
    return png(draw_effort(profiles))


def draw_effort(profiles: Sequence[Profile]) -> Figure:
    """Draw the figure, of the worlds that wait.

    Args:
        profiles: of all conditions.
    """
    points = _points(profiles)
    lines = _lines([row.condition for _, row in points])
    return draw_panels(
        points,
        "Success by how often it plans",
        "a rule pays where it is above the line of equally many actions each plan",
        _panel,
        _heading,
        lambda axes, mine: _draw(axes, mine, lines),
    )


def _points(profiles: Sequence[Profile]) -> list[Point]:
    return [
        (of.tempo.plans_s, of.total)
        for of in profiles
        if of.tempo is not None and of.total.rate is not None and of.condition.clock == STILL
    ]


def _panel(condition: Condition) -> Condition:
    """What the lines of a panel have in common."""
    return replace(condition.waiting, control_hz=USUAL_HZ, coarsen=1)


def _heading(panel: Condition) -> str:
    steps = f"{panel.steps} step{'s' * (panel.steps > 1)}" if panel.steps else ""
    return " · ".join(filter(None, (panel.policy, steps, panel.solver)))


def _identity(of: Condition) -> tuple[str, ...]:
    hz = f"{of.control_hz} Hz" if of.control_hz != USUAL_HZ else ""
    coarse = f"coarsen {of.coarsen}" if of.coarsen != 1 else ""
    return of.look, hz, coarse


def _lines(conditions: Sequence[Condition]) -> list[Series]:
    found = set(map(_identity, conditions))
    return numbered(sorted(found, key=lambda of: (of[0] != FIXED_LOOK, of)))


def _draw(axes: Axes, points: Sequence[Point], lines: Sequence[Series]) -> None:
    axes.set_xlabel("plans a second of the robot's time")
    ends = []
    for line in lines:
        mine = [point for point in points if _identity(point[1].condition) == line.identity]
        mine.sort(key=lambda point: (point[0], point[1].condition))
        if mine:
            xs, rows = zip(*mine, strict=True)
            ends.append(draw_line(axes, list(xs), list(rows), line, size=6))
    axes.set_xlim(left=0)
    finish(axes, ends)
