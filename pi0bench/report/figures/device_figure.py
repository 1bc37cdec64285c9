"""Success against sampler steps on each device, where more steps are a longer delay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pi0bench.records.condition import Condition
from pi0bench.report.device_lookup import lookups
from pi0bench.report.device_profiles import DeviceProfile
from pi0bench.report.figures.axes_style import GREY, STYLE, counted, log2, png, scale, title
from pi0bench.report.figures.clock_panels import clock_lines, finish, laid_out, set_apart
from pi0bench.report.figures.series import Series
from pi0bench.report.figures.success_panels import draw_line
from pi0bench.report.run_report import RunReport
from pi0bench.report.success_rows import Row

NAME = "devices.png"
_DODGE = 0.3  # of a doubling, over which the lines of a panel are set apart


def device_figure(
    report: RunReport, profiles: Sequence[DeviceProfile], control_hz: int
) -> bytes | None:
    """Draw devices.png; the same report gives the same bytes (see `draw_devices`).

    Returns:
        None where no policy was measured at several step counts.

    Raises:
        UsageError: in the run the world always waits.
    """
    found = [(of, curves(report, of, control_hz)) for of in profiles]
    return png(draw_devices(report, found)) if any(rows for _, rows in found) else None


def curves(report: RunReport, device: DeviceProfile, control_hz: int) -> list[Row]:
    """What was measured at the device's delays, of all that has several step counts there."""
    rows = [of.row for of in lookups(report, device, control_hz) if of.row is not None]
    counts: dict[Condition, set[int]] = {}
    for row in rows:
        counts.setdefault(_line(row.condition), set()).add(row.condition.steps)
    return [row for row in rows if len(counts[_line(row.condition)]) > 1]


def draw_devices(report: RunReport, found: Sequence[tuple[DeviceProfile, Sequence[Row]]]) -> Figure:
    """Draw a panel a policy and device, a line a clock; dashed is the world that waits.

    Args:
        report: of the run.
        found: each device, and what was measured at its delays.
    """
    rows = [row for _, there in found for row in there]
    lines = clock_lines(row.condition for row in rows)
    policies = sorted({_panel(row.condition) for row in rows})
    panels = [(policy, *there) for policy in policies for there in found]
    names = " and ".join(sorted({row.task for row in rows}))
    note = (
        "every number of steps at the delay that it takes there, in control steps the small "
        f"numbers; n = "
        f"{counted(row.n for row in rows)} episodes a point, bars are 95 % intervals; dashed: the "
        "world waits"
    )
    what = f"Success by sampler steps on each device, {names}"
    with rc_context(STYLE):
        figure, places = laid_out(what, note, len(panels))
        for axes, (policy, device, there) in zip(places, panels, strict=True):
            title(axes, f"{policy.policy} · {policy.solver} · {device.name}", device.kind)
            mine = [row for row in there if _panel(row.condition) == policy]
            totals = (profile.total for profile in report.profiles)
            still = [row for row in totals if row.condition == _still(row.condition, policy)]
            _draw(axes, mine, still, lines)
    return figure


def _line(condition: Condition) -> Condition:
    """What the points of a line have in common."""
    return replace(condition, steps=0, delay=0)


def _panel(condition: Condition) -> Condition:
    """What the lines of a panel have in common."""
    return replace(condition.waiting, steps=0)


def _still(condition: Condition, panel: Condition) -> Condition:
    """The panel's condition with as many steps."""
    return replace(panel, steps=condition.steps)


def _draw(axes: Axes, rows: Sequence[Row], still: Sequence[Row], lines: Sequence[Series]) -> None:
    axes.set_xlabel("sampler steps")
    still = sorted(still, key=lambda row: row.condition.steps)
    dashed = [log2(row.condition.steps) for row in still]
    axes.plot(dashed, [100 * (row.rate or 0) for row in still], color=GREY, linestyle="--", lw=1)
    ends = []
    for line, xs, mine in set_apart(rows, lines, lambda r: log2(r.condition.steps), _DODGE):
        ends.append(draw_line(axes, xs, mine, line, size=6))
        for x, row in zip(xs, mine, strict=True):
            told, at = str(row.condition.delay), (x, 100 * (row.rate or 0.0))
            axes.annotate(told, at, (4, 4), textcoords="offset points", fontsize=7, color=GREY)
    counts = [row.condition.steps for row in (*rows, *still)]
    if counts:
        scale(axes, counts)
    finish(axes, ends)
