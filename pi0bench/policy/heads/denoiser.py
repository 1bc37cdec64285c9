"""A network on a noise schedule, as samplers see it; they know nothing of how it was trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Estimate:
    """What a network makes of x at a time: x = alpha · data + sigma · noise.

    Attributes:
        data: expected data, shaped like x.
        noise: expected noise.
        velocity: expected dx/dt.
    """

    data: Tensor
    noise: Tensor
    velocity: Tensor


Denoiser = Callable[[Tensor, float], Estimate]
"""One evaluation of a network, at x (B, …) and one time for all of them."""
