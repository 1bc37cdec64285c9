"""The head of flow matching and diffusion: π0's, on a path that its card chooses."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.policy.heads.chunk_guidance import Guidance
from pi0bench.policy.heads.gaussian_path import GaussianPath
from pi0bench.policy.heads.gaussian_path_options import GaussianPathOptions
from pi0bench.policy.heads.head import Context, Head, NoiseSource, Sampled, Target
from pi0bench.policy.heads.time_embedding import flow_time_embedding
from pi0bench.policy.normalisation import ActionSpace


class GaussianPathHead(Head):
    """Predicts with the trunk what leads from noise to data along a Gaussian path.

    Args:
        space: of the actions.
        width: W.
        options: those of `GaussianPathOptions`.
    """

    def __init__(self, space: ActionSpace, width: int, **options: Any) -> None:
        super().__init__(space, width)
        self.path = GaussianPath(GaussianPathOptions(**options), space)
        self.solvers, self.steps = self.path.options.solvers, self.path.options.free_steps
        self.guidable = self.path.options.guidable
        self.draws = not self.path.options.starts_from_zero
        self.prefix_steps = self.path.options.prefix
        self.action_in_proj = nn.Linear(space.dim, width)
        self.action_time_mlp_in = nn.Linear(2 * width, width)
        self.action_time_mlp_out = nn.Linear(width, width)
        self.action_out_proj = nn.Linear(width, space.dim)

    @classmethod
    def options(cls) -> type:
        """See `Head.options`."""
        return GaussianPathOptions

    def embed(self, x: Tensor, time: Tensor) -> Tensor:
        """Points on the path (B, H, A) at times (B,) or (B, H) to action tokens (B, H, W)."""
        return self.action_tokens(x, flow_time_embedding(time, self.width))

    def action_tokens(self, x: Tensor, times: Tensor) -> Tensor:
        """Points on the path (B, H, A) with embedded times to action tokens (B, H, W).

        The times are one for each chunk, (B, W), or one for each of its steps, (B, H, W).
        """
        actions = self.action_in_proj(x)
        times = times.to(actions.dtype)
        times = times[:, None] if times.ndim == 2 else times
        both = torch.cat([actions, times.expand_as(actions)], dim=-1)
        return self.action_time_mlp_out(functional.silu(self.action_time_mlp_in(both)))

    def predict(self, context: Context, x: Tensor, time: Tensor) -> Tensor:
        """What the network says of x (B, H, A) at times (B,) or (B, H): its target, (B, H, A)."""
        return self.action_out_proj(context.evaluate(self.embed(x, time)))

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """See `GaussianPath.loss`."""
        predict = partial(self.predict, context.seeing(target.valid).repeat(draws))
        return self.path.loss(predict, target, generator, draws)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """From noise to actions, (B, H, A)."""
        return self.path.sample(partial(self.predict, context), noise, steps, solver)

    def sample_guided(
        self, context: Context, noise: NoiseSource, steps: int, solver: str, guidance: Guidance
    ) -> Sampled:
        """From noise to actions, (B, H, A), drawn to the plans before."""
        if not self.guidable:
            return super().sample_guided(context, noise, steps, solver, guidance)
        predict = partial(self.predict, context)
        return self.path.sample(predict, noise, steps, solver, guidance)
