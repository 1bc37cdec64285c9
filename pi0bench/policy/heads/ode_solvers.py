"""Solvers of dx/dt = v(x, t) from noise at t = 0 to data at t = 1."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor

from pi0bench.policy.heads.denoiser import Denoiser
from pi0bench.policy.heads.head import NoiseSource
from pi0bench.policy.heads.noise_schedules import NoiseSchedule

JUMP = 0.9
"""Where the last step of `dense_jump` begins."""


def euler(denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int) -> Tensor:
    """One evaluation a step, at t = i/steps; t = 1 is never evaluated (π0's sampler)."""
    x = noise()
    for i in range(steps):
        x = x + denoise(x, i / steps).velocity / steps
    return x


def dense_jump(
    denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int
) -> Tensor:
    """Euler's steps, equal up to t = 0.9, and the last from there to the end.

    Near t = 1 the velocity changes without bound; in few steps a late one keeps more spread. Ten
    steps are `euler`'s. Source: Chen et al. 2025 ("Dense-Jump"), who choose for each task where
    the last step begins.
    """
    x = noise()
    for time, after in pairwise(dense_jump_times(steps)):
        x = x + (after - time) * denoise(x, time).velocity
    return x


def dense_jump_times(steps: int) -> list[float]:
    """Where the steps of `dense_jump` begin, and where the last one ends."""
    return [JUMP * i / max(steps - 1, 1) for i in range(steps)] + [1.0]


def midpoint(denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int) -> Tensor:
    """Two evaluations a step, at its start and at its middle."""
    x = noise()
    for i in range(steps):
        half = x + denoise(x, i / steps).velocity / (2 * steps)
        x = x + denoise(half, (i + 0.5) / steps).velocity / steps
    return x


def heun(denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int) -> Tensor:
    """Two evaluations a step, at both its ends. Source: Karras et al. 2022, algorithm 1."""
    x = noise()
    for i in range(steps):
        first = denoise(x, i / steps).velocity
        second = denoise(x + first / steps, (i + 1) / steps).velocity
        x = x + (first + second) / (2 * steps)
    return x


def rk4(denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int) -> Tensor:
    """Four evaluations a step: the classical method. Source: Kutta 1901."""
    x, h = noise(), 1 / steps
    for i in range(steps):
        t = i / steps
        a = denoise(x, t).velocity
        b = denoise(x + h / 2 * a, t + h / 2).velocity
        c = denoise(x + h / 2 * b, t + h / 2).velocity
        d = denoise(x + h * c, (i + 1) / steps).velocity
        x = x + h / 6 * (a + 2 * b + 2 * c + d)
    return x
