"""Pushes of a demonstration: what is executed in place of the expert's clean action, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from pi0bench.data.worlds.world import Demonstration, Disturbance

Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From the expert's action, (7,), to what is executed."""


def pushes(
    env: Demonstration, rng: np.random.Generator, how: Disturbance
) -> Iterator[Change | None]:
    """For each step: nothing, or what to execute in place of the clean action."""
    if rng.random() >= how.share:
        while True:
            yield None
    hz, lasts = env.control_hz, round(how.push_s * env.control_hz)
    least, most = (round(calm * hz) for calm in how.calm_s)
    scale = hz / env.speed_m_s  # metres a step to action units
    while True:
        for _ in range(int(rng.integers(least, most, endpoint=True))):
            yield None
        change = _change(rng, how, lasts, scale)
        for _ in range(lasts):
            yield change


def _change(rng: np.random.Generator, how: Disturbance, lasts: int, scale: float) -> Change:
    """A push in any direction, as it is spread over so many steps.

    Args:
        rng: what it is drawn by.
        how: within which limits.
        lasts: steps.
        scale: action units that move the hand by a metre in a step.
    """
    push, way = np.zeros(7), rng.normal(size=3)
    size_m = np.exp(rng.uniform(*np.log(how.push_m)))
    push[:3] = way / np.linalg.norm(way) * size_m / lasts * scale
    push[5] = rng.normal(0, how.turn)
    flip = np.ones(7)
    if rng.random() < how.grip:
        flip[6] = -1
    return lambda clean: np.clip(clean + push, -1, 1) * flip
