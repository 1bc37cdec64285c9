"""Times as sines and cosines, as papers have them. t = 0 is noise, t = 1 data."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pi0bench.policy.heads.noise_schedules import SquaredCosine

PERIODS = (4e-3, 4.0)
SLOW_PERIODS = (1.0, 4.0)
"""Of what is differentiated: by `PERIODS` an untrained network's slope in time is 500 times itself,
by these 8 times."""


def flow_time_embedding(time: Tensor, width: int, periods: tuple[float, float] = PERIODS) -> Tensor:
    """Sines and cosines of the published time s = 1 - t, (B, …) to (B, …, width) in float64.

    The periods are geometric, from the least to the greatest; in float32 the largest argument,
    2π/4e-3, would lose three digits. Source: openpi, `create_sinusoidal_pos_embedding`.
    """
    return _periodic(1 - time.double(), width, periods)


def span_embedding(start: Tensor, end: Tensor, width: int) -> Tensor:
    """Slow sines and cosines of a span's start and length, (B,) to (B, width) in float64.

    Source: Geng et al. 2025 ("mean flows"), who embed these two.
    """
    times = start.double(), (end - start).double()
    return torch.cat([_periodic(time, width // 2, SLOW_PERIODS) for time in times], dim=-1)


def diffusion_step_embedding(time: Tensor, width: int) -> Tensor:
    """Sines and cosines of the diffusion level 100 (1 - t) - 1, (B,) to (B, width).

    Source: Vaswani et al. 2017; the levels are those of `SquaredCosine`.
    """
    half = width // 2
    rates = torch.exp(torch.arange(half, device=time.device) * (-math.log(1e4) / (half - 1)))
    return _sinusoids(SquaredCosine.LEVELS * (1 - time) - 1, rates)


def _periodic(x: Tensor, width: int, periods: tuple[float, float]) -> Tensor:
    """Sines and cosines of (B, …) in float64 with geometric periods, (B, …, width)."""
    least, greatest = periods
    fraction = torch.linspace(0, 1, width // 2, dtype=torch.float64, device=x.device)
    return _sinusoids(x, 2 * math.pi / (least * (greatest / least) ** fraction))


def _sinusoids(x: Tensor, frequencies: Tensor) -> Tensor:
    """Of (B, …) at some frequencies, (F,): sines, then cosines, (B, …, 2 F)."""
    angle = x[..., None] * frequencies
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
