"""How smoothly a robot was commanded to move."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Actions = NDArray[np.float64]


def smoothness(
    chunks: Sequence[Actions], control_hz: int, speed_m_s: float
) -> tuple[float | None, float | None]:
    """Return jerk and jump of the commanded tool position, rounded to six digits.

    Args:
        chunks: the actions of each chunk that were executed, (N, A).
        control_hz: actions a second.
        speed_m_s: the tool's when each of the first three numbers is 1.

    Returns:
        Root mean square jerk in m/s³, None below three actions; and the mean change of velocity
        from the last action of a chunk to the first of the next, m/s, None with a single chunk.
    """
    lengths = [len(chunk) for chunk in chunks if len(chunk)]
    if not lengths:
        return None, None
    speeds = np.concatenate(chunks)[:, :3] * speed_m_s
    jerk = np.diff(speeds, n=2, axis=0) * control_hz**2
    first = np.cumsum(lengths[:-1], dtype=int)
    jumps = [math.sqrt(change @ change) for change in speeds[first] - speeds[first - 1]]
    return (
        _rounded(np.sqrt(np.square(jerk).sum(axis=1).mean())) if len(jerk) else None,
        _rounded(np.mean(jumps)) if jumps else None,
    )


def _rounded(number: np.floating) -> float:
    return float(f"{number:.6g}")
