"""When a robot looks again: after equally many actions of each plan, or as plans themselves tell.

Rules give the same number for the same plans, in multiples of a quarter of what is carried out at
most.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pi0bench.records.record import FIXED_LOOK

Actions = NDArray[np.float64]
Rule = Callable[[Actions, Actions, int, int, float], int]
"""From a plan, (N, A), what the plan before says from now on, (M, A), how many actions of that were
carried out, how many are at most, and the metres of an action of 1, to how many of it are."""

_APART_M = 0.004  # how far plans that agree are from each other
_PARTS = 4
_DIP = 0.5  # of a plan's greatest speed: a slower moment at which it goes over to something else


def agree(plan: Actions, ahead: Actions, before: int, most: int, step_m: float) -> int:
    """Twice as many while plans agree with those before, half as many when they do not."""
    shared, part = min(len(plan), len(ahead), most), grain(most)
    if not shared:
        return min(most, 2 * part)
    paths = (step_m * np.cumsum(actions[:shared, :3], axis=0) for actions in (plan, ahead))
    apart_m = float(np.linalg.norm(np.subtract(*paths), axis=1).mean())
    if apart_m < _APART_M:
        return min(most, _PARTS * part, 2 * before)
    return before if apart_m <= 2 * _APART_M else max(part, before // 2)


def dip(plan: Actions, ahead: Actions, before: int, most: int, step_m: float) -> int:
    """Up to the first moment at which the hand is slow between two that are not, or grips.

    Source: PACE 2026, arXiv 2606.00537, which ends a plan where its speed dips.
    """
    within = plan[:most]
    speed = np.linalg.norm(within[:, :3], axis=1)
    inner = speed[1:-1]
    slow = (inner <= speed[:-2]) & (inner < speed[2:]) & (inner < _DIP * speed.max(initial=0.0))
    grips = np.diff(np.sign(within[:, -1])) != 0
    ends = [*np.flatnonzero(slow) + 2, *np.flatnonzero(grips) + 1]
    part = grain(most)
    return min(-(-int(min(ends, default=most)) // part), most // part) * part


RULES: dict[str, Rule | None] = {FIXED_LOOK: None, "agree": agree, "dip": dip}


def grain(most: int) -> int:
    """The number of which each rule's numbers are multiples."""
    return max(1, most // _PARTS)
