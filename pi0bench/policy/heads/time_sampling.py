"""At which times a network is trained, and how much each counts. t = 0 is noise, t = 1 data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from pi0bench.policy.heads.noise_schedules import SquaredCosine

SECOND_PASS = 0.9
"""The time of the second pass of `two_point`."""


def _one(time: Tensor) -> Tensor:
    return torch.ones_like(time)


@dataclass(frozen=True)
class TimeDistribution:
    """A distribution of training times.

    Attributes:
        quantile: uniform numbers in [0, 1) to times in [0, 1).
        weight: times to weights of their losses.
        sampler: the one that asks a network at these times only, "" where many may ask.
    """

    quantile: Callable[[Tensor], Tensor]
    weight: Callable[[Tensor], Tensor] = _one
    sampler: str = ""

    def draw(self, count: int, generator: Generator) -> Tensor:
        """Draw (count,) times, on the generator's device."""
        return self.quantile(torch.rand(count, generator=generator, device=generator.device))


def _uniform(u: Tensor) -> Tensor:
    """Every time equally often."""
    return u


def _pi0(u: Tensor) -> Tensor:
    """Noisy times more often: s = 0.999 Beta(1.5, 1) + 0.001 is 1 at noise, and t = 1 - s.

    The distribution function of Beta(1.5, 1) is x^1.5. Source: Black et al. 2024 (π0),
    appendix B; the shift is openpi's.
    """
    return 1 - (0.999 * u ** (1 / 1.5) + 0.001)


def _levels(u: Tensor) -> Tensor:
    """The 100 levels of DDPM, equally often: 0, 0.01, …, 0.99. Source: Ho et al. 2020."""
    return (u * SquaredCosine.LEVELS).floor() / SquaredCosine.LEVELS


def _score(u: Tensor) -> Tensor:
    """Every time equally often, but s = 1 - t not below 1e-5. Source: Song et al. 2021, app. C."""
    return u * (1 - 1e-5)


def _arcsine(u: Tensor) -> Tensor:
    """Beta(1/2, 1/2): early and late times more often. Source: Chen et al. 2025 ("Dense-Jump")."""
    return (u * (math.pi / 2)).sin().square().clamp(max=1 - 2**-24)


def _start(u: Tensor) -> Tensor:
    """T = 0 alone."""
    return torch.zeros_like(u)


def _two_point(u: Tensor) -> Tensor:
    """T = 0 and t = 0.9, equally often. Source: Pan et al. 2025 ("Much Ado About Noising")."""
    return (u >= 0.5).to(u) * SECOND_PASS


def _released_weight(time: Tensor) -> Tensor:
    """1 / 0.81 and 100: the authors' code divides errors by 0.9 and 0.1 before it squares them."""
    first = torch.full_like(time, 1 / SECOND_PASS**2)
    return torch.where(time > 0, (1 - time) ** -2, first)


TIME_DISTRIBUTIONS: dict[str, TimeDistribution] = {
    "uniform": TimeDistribution(_uniform),
    "pi0": TimeDistribution(_pi0),
    "levels": TimeDistribution(_levels),
    "score": TimeDistribution(_score),
    "arcsine": TimeDistribution(_arcsine),
    "start": TimeDistribution(_start, sampler="one_pass"),
    "two_point": TimeDistribution(_two_point, sampler="two_pass"),
    "two_point_released": TimeDistribution(_two_point, _released_weight, sampler="two_pass"),
}
