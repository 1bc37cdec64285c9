"""Candidates of an energy: how they are proposed, ranked and drawn, whatever the network is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from pi0bench.policy.heads.categorical_sampling import draw_categories
from pi0bench.policy.heads.head import NoiseSource

_SPREAD = 0.33  # of the numbers that are added in the second round; half of it in the next


@dataclass(frozen=True)
class Proposal:
    """A mixture of K Gaussians over the C numbers of a candidate.

    Attributes:
        logits: of the modes, (B, K).
        mean: (B, K, C).
        std: (B, K, C).
    """

    logits: Tensor
    mean: Tensor
    std: Tensor

    def draw(self, noise: Tensor) -> Tensor:
        """Candidates (B, N, C) of normal numbers (B, N, C + 1), the first of which says a mode."""
        logits = self.logits[:, None].expand(-1, noise.shape[1], -1)
        mode = draw_categories(logits, noise[..., 0], 1.0)[..., None]
        mean, std = (each.take_along_dim(mode, 1) for each in (self.mean, self.std))
        return mean + std * noise[..., 1:]

    def log_density(self, candidates: Tensor) -> Tensor:
        """Of candidates (B, N, C), (B, N)."""
        unchecked = False  # a check would make a GPU wait
        each = Normal(self.mean, self.std, validate_args=unchecked)
        modes = Independent(each, 1, validate_args=unchecked)
        weights = Categorical(logits=self.logits, validate_args=unchecked)
        mixture = MixtureSameFamily(weights, modes, validate_args=unchecked)
        return mixture.log_prob(candidates.transpose(0, 1)).T


def ranking_loss(energy: Tensor, log_density: Tensor) -> Tensor:
    """How badly the first of the candidates, which was shown, is told from the drawn ones, (B,).

    With the logarithm of the density that they are drawn from, whatever it is, the least loss is
    that of the energy -log p of the data's density p; without it, of -log p + log q.

    Args:
        energy: of the candidates, (B, N).
        log_density: q's logarithm, (B, N).

    Source: Singh et al. 2023 (R-NCE), eq. 9.
    """
    scores = -energy - log_density
    return torch.logsumexp(scores, dim=1) - scores[:, 0]


def refine(
    proposal: Proposal,
    energy: Callable[[Tensor], Tensor],
    noise: NoiseSource,
    count: int,
    rounds: int,
    temperature: float,
) -> Tensor:
    """One candidate a row, (B, C), drawn by its energy.

    The first round weighs what was proposed by exp(-energy) over the proposal's density, so that
    many candidates are drawn as the energy says. Each later round draws as many of them anew,
    moves each a little, and half as far as the round before, and weighs them by exp(-energy).

    Args:
        proposal: what is weighed first.
        energy: of candidates (B, N, C), (B, N).
        noise: its source.
        count: N.
        rounds: from 1.
        temperature: of the last choice; 0 takes the candidate of the greatest weight.

    Source: the later rounds are the derivative-free optimiser of Florence et al. 2021.
    """
    size = proposal.mean.shape[-1] + 1
    candidates = proposal.draw(_numbers(noise, count * size).unflatten(1, (count, size)))
    weights = -energy(candidates) - proposal.log_density(candidates)
    for round_ in range(1, rounds):
        fresh = _numbers(noise, count * size).unflatten(1, (count, size))
        again = draw_categories(weights[:, None].expand(-1, count, -1), fresh[..., 0], 1.0)
        moved = _SPREAD * 0.5 ** (round_ - 1) * fresh[..., 1:]
        candidates = candidates.take_along_dim(again[..., None], 1) + moved
        weights = -energy(candidates)
    chosen = draw_categories(weights, _numbers(noise, 1)[:, 0], temperature)
    return candidates[torch.arange(len(chosen), device=chosen.device), chosen]


def _numbers(noise: NoiseSource, count: int) -> Tensor:
    """So many standard normal numbers of each row, (B, count)."""
    drawn = [noise().flatten(1)]
    while sum(part.shape[1] for part in drawn) < count:
        drawn.append(noise().flatten(1))
    return torch.cat(drawn, dim=1)[:, :count]
