"""Times as sines and cosines, as two papers have them. t = 0 is noise, t = 1 data."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pi0bench.policy.heads.noise_schedules import SquaredCosine

PERIODS = (4e-3, 4.0)


def flow_time_embedding(time: Tensor, width: int) -> Tensor:
    """Sines and cosines of the published time s = 1 - t, (B,) to (B, width) in float64.

    The periods are geometric, from 4e-3 to 4; in float32 the largest argument, 2π/4e-3, would
    lose three digits. Source: openpi, `create_sinusoidal_pos_embedding`.
    """
    fraction = torch.linspace(0, 1, width // 2, dtype=torch.float64, device=time.device)
    period = PERIODS[0] * (PERIODS[1] / PERIODS[0]) ** fraction
    return _sinusoids(1 - time.double(), 2 * math.pi / period)


def diffusion_step_embedding(time: Tensor, width: int) -> Tensor:
    """Sines and cosines of the diffusion level 100 (1 - t) - 1, (B,) to (B, width).

    Source: Vaswani et al. 2017; the levels are those of `SquaredCosine`.
    """
    half = width // 2
    rates = torch.exp(torch.arange(half, device=time.device) * (-math.log(1e4) / (half - 1)))
    return _sinusoids(SquaredCosine.LEVELS * (1 - time) - 1, rates)


def _sinusoids(x: Tensor, frequencies: Tensor) -> Tensor:
    """Of (B,) at some frequencies, (F,): sines, then cosines, (B, 2 F)."""
    angle = x[:, None] * frequencies
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
