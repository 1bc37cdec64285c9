"""A mixture of Gaussians: a few whole chunks, how sure each number is, and how likely each is."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.errors import UsageError
from pi0bench.policy.heads.categorical_sampling import checked_temperature, draw_categories
from pi0bench.policy.heads.head import Context, Head, NoiseSource, Sampled, Target
from pi0bench.policy.normalisation import ActionSpace


class MixtureHead(Head):
    """Predicts K modes of the whole chunk by their means, standard deviations and weights.

    A sample is the mean of one mode, which the noise chooses. Letters: K modes.

    Args:
        space: of the actions.
        width: W.
        modes: K.
        min_std: least standard deviation of a number; without a floor the density of numbers that
            hardly vary has no bound.
        temperature: of the choice of a mode; 0 always chooses the likeliest.

    Raises:
        UsageError: an option is out of range.

    Source: Mandlekar et al. 2021 (robomimic), where each step has modes of its own; with one mode
    a chunk they do not mix in time.
    """

    def __init__(
        self,
        space: ActionSpace,
        width: int,
        *,
        modes: int = 5,
        min_std: float = 0.1,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(space, width)
        if modes < 1:
            raise UsageError(f"head.modes: {modes} is no number of modes; give 1 or more")
        if not min_std > 0:
            raise UsageError(f"head.min_std: {min_std} is no floor; give more than 0")
        self.modes, self.min_std = modes, min_std
        self.temperature = checked_temperature(temperature)
        self.draws = self.temperature > 0
        # The last query is for what is said of the whole chunk.
        self.query = nn.Parameter(torch.zeros(space.action_horizon + 1, width))
        self.mean_out_proj = nn.Linear(width, modes * space.dim)
        self.std_out_proj = nn.Linear(width, modes * space.dim)
        self.logits_out = nn.Linear(width, modes)

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        super().initialise(generator)
        nn.init.normal_(self.query, generator=generator)

    def predict(self, context: Context) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of the modes, (B, K), their means and standard deviations, (B, K, H, A) each."""
        out = context.evaluate(self.query.expand(len(context.state), -1, -1))
        steps, shape = out[:, :-1], (self.modes, self.space.dim)
        mean, raw = (
            project(steps).unflatten(-1, shape).transpose(1, 2)
            for project in (self.mean_out_proj, self.std_out_proj)
        )
        return self.logits_out(out[:, -1]), mean, functional.softplus(raw) + self.min_std

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Mean negative log-likelihood a number that counts."""
        found = mixture_log_likelihood(*self.predict(context), target.actions, target.valid)
        return -found.sum() / (target.valid.sum() * self.space.dim).clamp(min=1)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """The mean of the mode on which the first number of the noise falls."""
        logits, mean, _ = self.predict(context)
        mode = draw_categories(logits, noise()[:, 0, 0], self.temperature)
        return Sampled(mean[torch.arange(len(mean), device=mean.device), mode])


def mixture_log_likelihood(
    logits: Tensor, mean: Tensor, std: Tensor, actions: Tensor, valid: Tensor
) -> Tensor:
    """Logarithm of the density of chunks, (B,); one mode makes all of a chunk's valid steps.

    Args:
        logits: of the modes, (B, K).
        mean: (B, K, H, A).
        std: (B, K, H, A).
        actions: (B, H, A).
        valid: steps that count, (B, H) bool.
    """
    error = (actions[:, None] - mean) / std
    each = -0.5 * error.square() - std.log() - 0.5 * math.log(2 * math.pi)
    chunk = each.masked_fill(~valid[:, None, :, None], 0).sum(dim=(2, 3))
    counted = torch.logsumexp(logits.log_softmax(dim=-1) + chunk, dim=-1)
    return counted.masked_fill(~valid.any(dim=1), 0)
