"""The energy score: chunks made of noise in one pass, whose distribution is learned."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.policy.heads.head import Context, Head, NoiseSource, Sampled, Target
from pi0bench.policy.normalisation import ActionSpace


class EnergyScoreHead(Head):
    """Makes a chunk of noise in one pass; scored by distances to the data and to each other.

    Its network is flow matching's at t = 0, where the time embedding is constant. Source: the
    score is Gneiting and Raftery 2007's, eq. 22, with exponent 1; for actions, the Energy Policy
    of 2025 (arXiv 2510.12483).
    """

    draws = True

    def __init__(self, space: ActionSpace, width: int) -> None:
        super().__init__(space, width)
        self.action_in_proj = nn.Linear(space.dim, width)
        self.action_mlp_in = nn.Linear(width, width)
        self.action_mlp_out = nn.Linear(width, width)
        self.action_out_proj = nn.Linear(width, space.dim)

    def predict(self, context: Context, noise: Tensor) -> Tensor:
        """Noise to chunks, (B, H, A) each."""
        hidden = functional.silu(self.action_mlp_in(self.action_in_proj(noise)))
        return self.action_out_proj(context.evaluate(self.action_mlp_out(hidden)))

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Mean energy score of the observations of which any step counts; two draws at least."""
        data, valid, count = target.actions, target.valid, max(2, draws)
        size = (len(data) * count, *data.shape[1:])
        noise = torch.randn(size, generator=generator, device=generator.device).to(data)
        samples = self.predict(context.repeat(count), noise).unflatten(0, (len(data), count))
        there = valid.any(dim=1)
        score = energy_score(samples, data, valid).masked_fill(~there, 0)
        return score.sum() / there.sum().clamp(min=1)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """The chunk that is made of one draw of noise."""
        return Sampled(self.predict(context, noise()))


def energy_score(samples: Tensor, data: Tensor, valid: Tensor) -> Tensor:
    """Mean distance of samples to the data less half of that to each other.

    In expectation it is least for samples from the distribution of the data, and for no others:
    the distance is of whole chunks, since that of each number would not know how they go together.

    Args:
        samples: two or more of each row, (B, D, H, A).
        data: (B, H, A).
        valid: steps that count, (B, H) bool.

    Returns:
        Scores in root mean squares over the numbers that count, (B,).
    """
    numbers = (valid.sum(dim=1) * data.shape[-1]).clamp(min=1)[:, None]

    def distance(difference: Tensor) -> Tensor:
        """Of (B, N, H, A): (B, N); its gradient is 0 where there is no difference."""
        counted = difference.masked_fill(~valid[:, None, :, None], 0).flatten(2)
        return torch.linalg.vector_norm(counted, dim=2) / numbers.sqrt()

    count = samples.shape[1]
    one, other = torch.triu_indices(count, count, offset=1, device=samples.device)
    apart = distance(samples[:, one] - samples[:, other])
    return distance(samples - data[:, None]).mean(dim=1) - apart.mean(dim=1) / 2
