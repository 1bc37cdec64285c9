"""Tokens all at once: every number's bin is chosen by itself, in one pass."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.errors import UsageError, unknown
from pi0bench.policy.heads.action_bins import BINS
from pi0bench.policy.heads.head import Context, Head, NoiseSource, Sampled, Target, masked_mean
from pi0bench.policy.normalisation import ActionSpace


class ParallelTokensHead(Head):
    """Classifies each number of the chunk into bins, independently given what is seen.

    Source: Brohan et al. 2022 (RT-1), whose code masks all attention between action tokens; here
    the steps' tokens see each other, as they do for every head, but no choice sees another.

    Args:
        space: of the actions.
        width: W.
        bins: a name in `BINS`.
    """

    def __init__(self, space: ActionSpace, width: int, *, bins: str = "rt1") -> None:
        super().__init__(space, width)
        if bins not in BINS:
            raise UsageError(f"head.bins: {unknown('rule of bins', bins, BINS)}")
        self.bins = BINS[bins](space)
        self.query = nn.Parameter(torch.zeros(space.action_horizon, width))
        self.logits_out = nn.Linear(width, space.dim * self.bins.count)

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        super().initialise(generator)
        nn.init.normal_(self.query, generator=generator)

    def logits(self, context: Context) -> Tensor:
        """Of every number's bins, (B, H, A, bins)."""
        out = context.evaluate(self.query.expand(len(context.state), -1, -1))
        return self.logits_out(out).unflatten(-1, (self.space.dim, self.bins.count))

    def tokenize(self, target: Target) -> Target:
        """The target with the bin of every number, (B, H, A)."""
        return replace(target, tokens=self.bins.encode(target.actions))

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Mean cross-entropy over the numbers of valid steps, nats."""
        bins = (self.tokenize(target) if target.tokens is None else target).tokens
        assert bins is not None
        found = self.logits(context).movedim(-1, 1)
        return masked_mean(functional.cross_entropy(found, bins, reduction="none"), target.valid)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """The likeliest bin of each number."""
        return Sampled(self.bins.decode(self.logits(context).argmax(dim=-1)))
