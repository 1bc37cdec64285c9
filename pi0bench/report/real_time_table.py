"""What it means that the world goes on: how old plans are, how soon a change is acted on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from pi0bench.report.condition_profile import Profile
from pi0bench.report.headline_table import who
from pi0bench.report.number_format import (
    NOTHING,
    in_markdown,
    markdown_table,
    percent,
    percents,
)

NAME = "realtime.md"
HEADS = ("policy", "solver", "steps", "success", "n", "median s to success", "held still")
HEADS += ("looks every", "mean wait", "worst wait", "plans/s", "passes/s", "reaction s")
HEADS += ("jerk m/s³", "jump m/s")

_NOTE = (
    "Looks every, and waits, in control steps: from a change of the world until the robot can act "
    "on it, on average over all moments and at worst, as the clock has it. Reaction is measured: "
    "seconds from a knock to the first command that is another than without it, the median over "
    "the episodes in which there was one. Held still: share of the control steps in which the "
    "robot waited for a plan. Plans, and passes through the trunk, are by the second of the "
    "robot's time. Jerk is within the whole path, jump the change of commanded velocity where one "
    "plan follows another."
)


def tells(profiles: Sequence[Profile]) -> bool:
    """Whether some policy acted in time that is not the usual, or something was knocked."""
    return any(
        bool(of.condition.timing) or (of.tempo is not None and of.tempo.reaction_s is not None)
        for of in profiles
    )


def real_time_markdown(profiles: Sequence[Profile]) -> str:
    """Return a table for each engine, renderer and variation.

    Args:
        profiles: of all conditions.
    """
    blocks = ["# While the policy plans"]
    for world, group in groupby(profiles, key=lambda of: of.condition.world):
        lines = [_line(of) for of in group]
        table = markdown_table(HEADS, lines, words=3)
        blocks.append(f"**{in_markdown(' / '.join(world))}**\n\n{table}")
    return "\n\n".join([*blocks, in_markdown(_NOTE)]) + "\n"


def _line(of: Profile) -> list[str]:
    total, tempo = of.total, of.tempo
    told = [NOTHING] * 7
    if tempo is not None:
        waits = (tempo.period, tempo.mean_wait, tempo.worst_wait, tempo.plans_s, tempo.passes_s)
        told = [percent(tempo.held), *(f"{wait:.3g}" for wait in waits)]
        told.append(NOTHING if tempo.reaction_s is None else tempo.reaction_s.told(2))
    return [
        *who(of.condition),
        f"{percent(total.rate)} {percents(total.interval)}" if total.n else NOTHING,
        str(total.n),
        NOTHING if total.success_s is None else f"{total.success_s:.1f}",
        *told,
        NOTHING if of.jerk_m_s3 is None else of.jerk_m_s3.told(1),
        NOTHING if of.jump_m_s is None else of.jump_m_s.told(3),
    ]
