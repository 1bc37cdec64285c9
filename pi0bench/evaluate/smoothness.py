"""How smoothly a robot was commanded to move."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.control import MAX_SPEED_M_S

Actions = NDArray[np.float64]


def smoothness(
    chunks: Sequence[Sequence[Actions]], control_hz: int
) -> tuple[float | None, float | None]:
    """Return jerk and jump of the commanded tool position, rounded to six digits.

    Args:
        chunks: the actions of each chunk that were executed, (7,) each; what is outside [-1, 1]
            is clipped, as the controller does.
        control_hz: actions a second.

    Returns:
        Root mean square jerk in m/s³, None below three actions; and the mean change of velocity
        from the last action of a chunk to the first of the next, m/s, None with a single chunk.
    """
    begun = [_velocity(chunk) for chunk in chunks if chunk]
    if not begun:
        return None, None
    jerk = np.diff(np.concatenate(begun), n=2, axis=0) * control_hz**2
    jumps = [np.linalg.norm(b[0] - a[-1]) for a, b in pairwise(begun)]
    return (
        _rounded(np.sqrt(np.square(jerk).sum(axis=1).mean())) if len(jerk) else None,
        _rounded(np.mean(jumps)) if jumps else None,
    )


def _velocity(chunk: Sequence[Actions]) -> Actions:
    """Commanded, m/s, (N, 3)."""
    return np.clip(np.array(chunk)[:, :3], -1, 1) * MAX_SPEED_M_S


def _rounded(number: np.floating) -> float:
    return float(f"{number:.6g}")
