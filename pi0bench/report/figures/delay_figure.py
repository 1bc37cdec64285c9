"""Success against the delay of a plan: a panel a policy and sampler, a line a clock."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pi0bench.records.condition import Condition
from pi0bench.records.record import STILL
from pi0bench.report.condition_profile import Profile
from pi0bench.report.figures.axes_style import GREY, STYLE, counted, png, title
from pi0bench.report.figures.clock_panels import clock_lines, finish, laid_out, set_apart
from pi0bench.report.figures.series import Series
from pi0bench.report.figures.success_panels import draw_line
from pi0bench.report.success_rows import Row

_DODGE = 0.24  # control steps over which the lines of a panel are set apart


def has_delays(profiles: Sequence[Profile]) -> bool:
    """Whether the world went on while some policy planned, for at least two delays."""
    return len({p.condition.delay for p in profiles if p.condition.clock != STILL}) > 1


def delay_figure(profiles: Sequence[Profile]) -> bytes:
    """Draw delays.png; the same profiles give the same bytes (see `draw_delays`)."""
    return png(draw_delays(profiles))


def draw_delays(profiles: Sequence[Profile]) -> Figure:
    """Draw the figure: where the world waits is a dashed line across, with its interval.

    Args:
        profiles: of all conditions.
    """
    totals = [p.total for p in profiles if p.total.rate is not None]
    moving = [row for row in totals if row.condition.clock != STILL]
    panels = sorted({row.condition.waiting for row in moving})
    lines = clock_lines(row.condition for row in moving)
    names = " and ".join(sorted({row.task for row in moving}))
    worlds = " and ".join(sorted({" / ".join(row.condition.world) for row in moving}))
    note = (
        f"{worlds}; n = {counted(row.n for row in moving)} episodes a point, bars are 95 % "
        "intervals; dashed: the world waits for the policy"
    )
    with rc_context(STYLE):
        figure, places = laid_out(f"Success by the delay of a plan, {names}", note, len(panels))
        for axes, panel in zip(places, panels, strict=True):
            _draw(axes, [row for row in totals if row.condition.waiting == panel], lines)
    return figure


def _draw(axes: Axes, rows: Sequence[Row], lines: Sequence[Series]) -> None:
    of = rows[0].condition
    title(axes, " · ".join((of.policy, *_sampler(of))))
    axes.set_xlabel("control steps from a look to its plan")
    ends = []
    for line, xs, mine in set_apart(rows, lines, lambda row: row.condition.delay, _DODGE):
        ends.append(draw_line(axes, xs, mine, line, size=6))
    for row in rows:
        if row.condition.clock == STILL and not row.condition.execute:
            axes.axhline(100 * (row.rate or 0.0), color=GREY, linestyle="--", linewidth=1.0)
            axes.axhspan(100 * row.interval.low, 100 * row.interval.high, color=GREY, alpha=0.1)
    delays = sorted({row.condition.delay for row in rows})
    axes.set_xticks(delays, [str(delay) for delay in delays])
    finish(axes, ends)


def _sampler(condition: Condition) -> tuple[str, ...]:
    if not condition.steps:
        return ()
    return f"{condition.steps} step{'s' * (condition.steps > 1)}", condition.solver
