"""Tokens of which a part is masked: all at once in one round, or in several, the surest first."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from pi0bench.errors import UsageError
from pi0bench.policy.heads.categorical_sampling import checked_temperature
from pi0bench.policy.heads.head import Context, NoiseSource, Sampled, Target, masked_mean
from pi0bench.policy.heads.masked_decoding import decode_masked
from pi0bench.policy.heads.parallel_tokens import ParallelTokensHead
from pi0bench.policy.normalisation import ActionSpace

_SOLVER = "surest_first"


class MaskedTokensHead(ParallelTokensHead):
    """Classifies the masked numbers of a chunk into bins, given those that are not masked.

    A known number's bin is added to its step's token by the row of the output matrix that stands
    for it; where nothing is known this is the parallel head, which is its first round. A bin that
    was chosen is never masked again.

    Args:
        space: of the actions.
        width: W.
        bins: a name in `BINS`.
        steps: rounds, unless told otherwise.
        temperature: of the choice of bins; 0 takes the likeliest.

    Raises:
        UsageError: an option is out of range.

    Source: Liang et al. 2025 ("Discrete Diffusion VLA"); the mask's share is MaskGIT's, the cosine
    of a quarter turn (Chang et al. 2022).
    """

    def __init__(
        self,
        space: ActionSpace,
        width: int,
        *,
        bins: str = "centres",
        steps: int = 10,
        temperature: float = 0.0,
    ) -> None:
        super().__init__(space, width, bins=bins)
        self.solvers, self.steps = (_SOLVER,), steps
        self.temperature = checked_temperature(temperature)
        self.draws = self.temperature > 0

    def logits_given(self, context: Context, bins: Tensor, known: Tensor) -> Tensor:
        """Of every number's bins, (B, H, A, bins), given some of them.

        Args:
            context: of the observations.
            bins: (B, H, A) int64; what is not known may be any.
            known: (B, H, A) bool.
        """
        first = self.bins.count * torch.arange(self.space.dim, device=bins.device)
        rows = functional.embedding(bins + first, self.logits_out.weight)
        said = (rows * known[..., None]).sum(dim=2) * math.sqrt(self.width / self.space.dim)
        out = context.evaluate(self.query + said)
        return self.logits_out(out).unflatten(-1, (self.space.dim, self.bins.count))

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Mean cross-entropy over the masked numbers of valid steps and draws, nats."""
        told = self.tokenize(target) if target.tokens is None else target
        assert told.tokens is not None
        bins = told.tokens.repeat_interleave(draws, 0)
        valid = target.valid.repeat_interleave(draws, 0)[..., None].expand_as(bins)
        device = generator.device
        turn = torch.rand(len(bins), generator=generator, device=device).to(bins.device)
        share = (turn * (math.pi / 2)).cos()[:, None, None]
        drawn = torch.rand(bins.shape, generator=generator, device=device).to(bins.device)
        masked = drawn < share
        found = self.logits_given(context.repeat(draws), bins, valid & ~masked)
        error = functional.cross_entropy(found.movedim(-1, 1), bins, reduction="none")
        return masked_mean(error, valid & masked)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """Bins in so many rounds, one evaluation each, but in no more than there are numbers.

        Raises:
            UsageError: there are no rounds.
        """
        if steps < 1:
            raise UsageError(f"steps: {steps} is not a number of sampler steps; give 1 or more")
        shape = (self.space.action_horizon, self.space.dim)

        def conditionals(tokens: Tensor, known: Tensor) -> Tensor:
            """See `masked_decoding.Conditionals`."""
            some = tokens.unflatten(1, shape), known.unflatten(1, shape)
            return self.logits_given(context, *some).flatten(1, 2)

        found, rounds = decode_masked(
            conditionals, lambda: noise().flatten(1), steps, self.temperature
        )
        return Sampled(self.bins.decode(found.unflatten(1, shape)), rounds)
