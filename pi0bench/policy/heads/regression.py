"""Plain regression: the chunk itself, in one pass."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from pi0bench.policy.heads.head import Context, Head, NoiseSource, Sampled, Target, masked_mean
from pi0bench.policy.normalisation import ActionSpace


class RegressionHead(Head):
    """Predicts the mean of the demonstrated chunks: behaviour cloning by least squares."""

    def __init__(self, space: ActionSpace, width: int) -> None:
        super().__init__(space, width)
        self.query = nn.Parameter(torch.zeros(space.action_horizon, width))
        self.action_out_proj = nn.Linear(width, space.dim)

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        super().initialise(generator)
        nn.init.normal_(self.query, generator=generator)

    def predict(self, context: Context) -> Tensor:
        """The mean chunk, (B, H, A)."""
        tokens = self.query.expand(len(context.state), -1, -1)
        return self.action_out_proj(context.evaluate(tokens))

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Mean squared error over valid steps."""
        return masked_mean((self.predict(context) - target.actions).square(), target.valid)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """The mean chunk."""
        return Sampled(self.predict(context))
