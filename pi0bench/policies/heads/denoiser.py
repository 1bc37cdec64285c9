"""A network on a path, as samplers see it; they know nothing of how it was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from pi0bench.policies.heads.noise_schedules import Path


@dataclass(frozen=True)
class Estimate:
    """What a network makes of x at a time: x = signal · data + noise level · noise.

    Attributes:
        data: expected data, shaped like x.
        noise: expected noise.
        velocity: expected dx/dt.
    """

    data: Tensor
    noise: Tensor
    velocity: Tensor


class Field(Protocol):
    """A network on a path."""

    @property
    def path(self) -> Path:
        """The path."""
        ...

    def __call__(self, x: Tensor, time: float) -> Estimate:
        """One evaluation, at one time for all of x, (B, …)."""
        ...

    def at(self, time: float) -> tuple[Tensor, Tensor]:
        """Signal and noise level at a time, scalars."""
        ...
