"""Masked decoding: tokens become known in rounds, those first of which the network is surest."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from pi0bench.policy.heads.categorical_sampling import draw_categories

Conditionals = Callable[[Tensor, Tensor], Tensor]
"""Logits (B, S, C) of every place's token, given tokens (B, S) where they are known (B, S) bool."""


def known_after(round_: int, rounds: int, places: int) -> int:
    """How many of the places are known after so many rounds, one more a round at least.

    The share that is still masked is a quarter of a cosine. Source: Chang et al. 2022 (MaskGIT).
    """
    masked = math.cos(math.pi / 2 * round_ / rounds)
    return max(round_, round(places * (1 - masked)))


def decode_masked(
    conditionals: Conditionals, noise: Callable[[], Tensor], rounds: int, temperature: float
) -> tuple[Tensor, int]:
    """Tokens (B, S), and the rounds that they took: no more than there are places.

    Which tokens are kept is decided by how likely the likeliest token of their place is, not by
    what was drawn: kept one by one, tokens that are drawn come from the joint distribution.

    Args:
        conditionals: one evaluation a round.
        noise: each call gives standard normal numbers, (B, S).
        rounds: from 1.
        temperature: of the draws; 0 takes the likeliest token.
    """
    fresh = noise()
    places = fresh.shape[1]
    rounds = min(rounds, places)
    tokens = torch.zeros_like(fresh, dtype=torch.long)
    known = torch.zeros_like(fresh, dtype=torch.bool)
    for i in range(rounds):
        fresh = noise() if i else fresh
        logits = conditionals(tokens, known)
        tokens = torch.where(known, tokens, draw_categories(logits, fresh, temperature))
        sureness = logits.log_softmax(dim=-1).amax(dim=-1).masked_fill(known, math.inf)
        kept = sureness.topk(known_after(i + 1, rounds, places), dim=1).indices
        known = torch.zeros_like(known).scatter(1, kept, True)
    return tokens, rounds
