"""How noise becomes data, and at which times a network is trained. t = 0 is noise, t = 1 data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class PathSample:
    """A point on a path and the velocity dx/dt there, both shaped like the data."""

    x: Tensor
    velocity: Tensor


@dataclass(frozen=True)
class LinearPath:
    """x_t = (1 - t) noise + t data. Source: Lipman et al. 2023, eq. 23, sigma_min = 0."""

    def at(self, noise: Tensor, data: Tensor, time: Tensor) -> PathSample:
        """The path between noise and data (B, …) at times (B,)."""
        t = time.reshape(-1, *[1] * (data.ndim - 1))
        return PathSample(x=(1 - t) * noise + t * data, velocity=data - noise)


def _uniform(u: Tensor) -> Tensor:
    """Every time equally often."""
    return u


def _pi0(u: Tensor) -> Tensor:
    """Noisy times more often: s = 0.999 Beta(1.5, 1) + 0.001 is 1 at noise, and t = 1 - s.

    The distribution function of Beta(1.5, 1) is x^1.5. Source: Black et al. 2024 (π0),
    appendix B; the shift is openpi's.
    """
    return 1 - (0.999 * u ** (1 / 1.5) + 0.001)


TimeLaw = Callable[[Tensor], Tensor]
"""The inverse distribution function of training times: uniform in [0, 1) to times in [0, 1]."""

TIME_LAWS: dict[str, TimeLaw] = {"uniform": _uniform, "pi0": _pi0}


def draw_times(law: TimeLaw, count: int, generator: Generator) -> Tensor:
    """Draw (count,) training times, on the generator's device."""
    return law(torch.rand(count, generator=generator, device=generator.device))
