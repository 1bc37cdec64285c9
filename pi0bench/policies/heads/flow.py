"""π0's head: conditional flow matching on a chunk of actions."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.errors import UsageError, unknown
from pi0bench.policies.heads.head import Head, evaluate
from pi0bench.policies.heads.paths import TIME_LAWS, LinearPath, draw_times
from pi0bench.policies.heads.samplers import SAMPLERS
from pi0bench.policies.trunk import PrefixCache, Trunk

PERIODS = (4e-3, 4.0)


class FlowHead(Head):
    """Predicts the velocity of the linear path. Source: Black et al. 2024 (π0), appendix B."""

    def __init__(
        self, action_dim: int, width: int, *, time_law: str = "pi0", sampler: str = "euler"
    ) -> None:
        super().__init__()
        if time_law not in TIME_LAWS:
            raise UsageError(f"head.time_law: {unknown('time law', time_law, TIME_LAWS)}")
        if sampler not in SAMPLERS:
            raise UsageError(f"head.sampler: {unknown('sampler', sampler, SAMPLERS)}")
        self.path, self.time_law = LinearPath(), TIME_LAWS[time_law]
        self.sampler, self.width = SAMPLERS[sampler], width
        self.action_in = nn.Linear(action_dim, width)
        self.time_in = nn.Linear(2 * width, width)
        self.time_out = nn.Linear(width, width)
        self.action_out = nn.Linear(width, action_dim)

    def embed(self, noisy: Tensor, time: Tensor) -> Tensor:
        """Noisy actions (B, H, A) at times (B,) to action tokens (B, H, W)."""
        actions = self.action_in(noisy)
        times = embed_time(time, self.width).to(actions.dtype)[:, None].expand_as(actions)
        return self.time_out(functional.silu(self.time_in(torch.cat([actions, times], dim=-1))))

    def velocity(
        self, trunk: Trunk, cache: PrefixCache, state_token: Tensor, noisy: Tensor, time: Tensor
    ) -> Tensor:
        """Predict dx/dt: noisy actions (B, H, A) at times (B,) to (B, H, A)."""
        return self.action_out(evaluate(trunk, cache, state_token, self.embed(noisy, time)))

    def loss(
        self,
        trunk: Trunk,
        cache: PrefixCache,
        state_token: Tensor,
        actions: Tensor,
        valid: Tensor,
        generator: Generator,
        draws: int = 1,
    ) -> Tensor:
        """Mean squared error of the velocity over valid steps, draws and action dimensions."""
        data, state = (x.repeat_interleave(draws, 0) for x in (actions, state_token))
        noise = torch.randn(data.shape, generator=generator, device=generator.device).to(data)
        time = draw_times(self.time_law, len(data), generator).to(data)
        point = self.path.at(noise, data, time)
        guess = self.velocity(trunk, cache.repeat(draws), state, point.x, time)
        counts = valid.repeat_interleave(draws, 0)[..., None]
        error = (guess - point.velocity).square().masked_fill(~counts, 0)
        return error.sum() / (counts.sum() * data.shape[-1]).clamp(min=1)

    def sample(
        self, trunk: Trunk, cache: PrefixCache, state_token: Tensor, noise: Tensor, steps: int
    ) -> Tensor:
        """Integrate the velocity from noise (B, H, A) to actions (B, H, A)."""
        return self.sampler(
            lambda x, time: self.velocity(trunk, cache, state_token, x, time), noise, steps
        )


def embed_time(time: Tensor, width: int) -> Tensor:
    """Sines and cosines of the published time s = 1 - t, (B,) to (B, W) in float64.

    The periods are geometric, from 4e-3 to 4; in float32 the largest argument, 2π/4e-3, would
    lose three digits. Source: openpi, `create_sinusoidal_pos_embedding`.
    """
    fraction = torch.linspace(0, 1, width // 2, dtype=torch.float64, device=time.device)
    period = PERIODS[0] * (PERIODS[1] / PERIODS[0]) ** fraction
    angle = (1 - time.double())[:, None] * (2 * math.pi / period)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
