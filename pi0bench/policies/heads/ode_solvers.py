"""Solvers of dx/dt = v(x, t) from noise at t = 0 to data at t = 1, in equal steps."""

from __future__ import annotations

from torch import Tensor

from pi0bench.policies.heads.denoiser import Field
from pi0bench.policies.heads.head import Draw


def euler(field: Field, draw: Draw, steps: int) -> Tensor:
    """One evaluation a step, at t = i/steps; t = 1 is never evaluated (π0's sampler)."""
    x = draw()
    for i in range(steps):
        x = x + field(x, i / steps).velocity / steps
    return x


def midpoint(field: Field, draw: Draw, steps: int) -> Tensor:
    """Two evaluations a step, at its start and at its middle."""
    x = draw()
    for i in range(steps):
        half = x + field(x, i / steps).velocity / (2 * steps)
        x = x + field(half, (i + 0.5) / steps).velocity / steps
    return x


def heun(field: Field, draw: Draw, steps: int) -> Tensor:
    """Two evaluations a step, at both its ends. Source: Karras et al. 2022, algorithm 1."""
    x = draw()
    for i in range(steps):
        first = field(x, i / steps).velocity
        second = field(x + first / steps, (i + 1) / steps).velocity
        x = x + (first + second) / (2 * steps)
    return x


def rk4(field: Field, draw: Draw, steps: int) -> Tensor:
    """Four evaluations a step: the classical method. Source: Kutta 1901."""
    x, h = draw(), 1 / steps
    for i in range(steps):
        t = i / steps
        a = field(x, t).velocity
        b = field(x + h / 2 * a, t + h / 2).velocity
        c = field(x + h / 2 * b, t + h / 2).velocity
        d = field(x + h * c, (i + 1) / steps).velocity
        x = x + h / 6 * (a + 2 * b + 2 * c + d)
    return x
