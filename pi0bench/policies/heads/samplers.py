"""Solvers of dx/dt = v(x, t) from noise at t = 0 to data at t = 1; each declares its order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pi0bench.errors import UsageError

Velocity = Callable[[Tensor, Tensor], Tensor]
"""x (B, …) and times (B,) to dx/dt (B, …)."""


@dataclass(frozen=True)
class Sampler:
    """A solver: its error falls as steps^-order."""

    integrate: Callable[[Velocity, Tensor, int], Tensor]
    order: int

    def __call__(self, velocity: Velocity, noise: Tensor, steps: int) -> Tensor:
        """Carry noise (B, …) to data in `steps` equal steps."""
        if steps < 1:
            raise UsageError(f"steps: {steps} is not a number of sampler steps; give 1 or more")
        return self.integrate(velocity, noise, steps)


def euler(velocity: Velocity, noise: Tensor, steps: int) -> Tensor:
    """One evaluation a step, at t = i/steps; t = 1 is never evaluated (π0's sampler)."""
    x = noise
    for i in range(steps):
        x = x + velocity(x, x.new_full((len(x),), i / steps)) / steps
    return x


SAMPLERS: dict[str, Sampler] = {"euler": Sampler(euler, order=1)}
