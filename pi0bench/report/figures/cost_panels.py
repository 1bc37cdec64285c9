"""Why success is as it is: distance to many steps, jerk, and the jump between chunks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from matplotlib.axes import Axes

from pi0bench.report.condition_profile import Middle, Profile
from pi0bench.report.figures.axes_style import counted, log2, scale, title
from pi0bench.report.figures.series import Series
from pi0bench.report.figures.success_panels import EVALUATIONS


@dataclass(frozen=True)
class Reason:
    """A panel: what it shows, and the number of a condition with its bar and n, None without."""

    name: str
    note: str
    middle: Callable[[Profile], Middle | None]


def _rmse(profile: Profile) -> Middle | None:
    distance = profile.distance
    return distance and Middle(distance.rmse, None, distance.chunks)


def _energy(profile: Profile) -> Middle | None:
    distance = profile.distance
    return distance and Middle(distance.energy, None, distance.chunks)


REASONS = (
    Reason("Energy distance to {reference} steps", "units of an action, n = {n} chunks", _energy),
    Reason("RMSE to {reference} steps", "units of an action, n = {n} chunks", _rmse),
    Reason("Jerk, m/s³", "median and 95 %, n = {n}", lambda p: p.jerk_m_s3),
    Reason("Jump between chunks, m/s", "median and 95 %, n = {n}", lambda p: p.jump_m_s),
)


WIDE = 5.0
"""A panel whose greatest number is more than so many times its median is logarithmic above it."""


def note(profiles: Sequence[Profile]) -> str:
    """Say how to read the panels, as far as there are any that need it."""
    said = "against trunk evaluations a re-plan; colours as above"
    if any(profile.distance for profile in profiles):
        said += "; distances are between chunks of actions sampled with these steps and with many"
    return said


def reasons(profiles: Sequence[Profile]) -> list[Reason]:
    """Return the panels for which there is anything to draw."""
    return [reason for reason in REASONS if any(reason.middle(p) for p in profiles)]


def draw(axes: Axes, reason: Reason, profiles: Sequence[Profile], lines: Sequence[Series]) -> None:
    """Draw one panel against trunk evaluations, from 0 up."""
    known = [
        (p, p.total.evaluations, middle)
        for p in profiles
        if (middle := reason.middle(p)) and p.total.evaluations is not None
    ]
    references = {s for p, _, _ in known if p.distance for s in p.distance.reference_steps}
    n = counted(middle.n for _, _, middle in known)
    reference = "/".join(map(str, sorted(references)))
    title(axes, reason.name.format(reference=reference), reason.note.format(n=n))
    for line in lines:
        mine = [(x, m) for p, x, m in known if line.holds(p.condition)]
        spans = [(m.value, m.interval) for _, m in mine]
        axes.errorbar(
            [log2(x) for x, _ in mine],
            [m.value for _, m in mine],
            yerr=(
                [value - i.low if i else 0.0 for value, i in spans],
                [i.high - value if i else 0.0 for value, i in spans],
            ),
            color=line.colour,
            marker=line.marker,
            linestyle=line.dashes,
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.5,
            linewidth=1.2,
            elinewidth=0.8,
            capsize=0,
        )
    scale(axes, [x for _, x, _ in known])
    tops = [m.interval.high if m.interval else m.value for _, _, m in known]
    bottom, top = min(0.0, *(m.value for _, _, m in known), *tops), max(0.0, *tops)
    room = 0.08 * (top - bottom or 1.0)
    # Estimates of energy distance may fall a little below 0.
    axes.set_ylim(bottom - room if bottom < 0.0 else 0.0, top + room)
    typical = median(m.value for _, _, m in known)
    if top > WIDE * typical > 0.0:
        # One policy that is far off must not press all the others onto the axis.
        axes.set_yscale("symlog", linthresh=2 * typical)
        axes.set_yticks([0.0, *_marks(typical, top)])
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.3g}")
        axes.minorticks_off()
    axes.tick_params(labelsize=8)
    axes.set_xlabel(EVALUATIONS, fontsize=8)


def _marks(low: float, high: float) -> list[float]:
    """Powers of ten, and three times them, in an interval."""
    exponents = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    marks = [digit * 10.0**exponent for exponent in exponents for digit in (1, 3)]
    return [mark for mark in marks if low <= mark <= high]
