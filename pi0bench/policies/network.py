"""From what is seen, felt and asked to a chunk of actions: tokens, trunk and head put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from pi0bench.policies import observe
from pi0bench.policies.heads import build_head
from pi0bench.policies.heads.head import Context, Draw, Target
from pi0bench.policies.trunk import PrefixCache, Trunk, TrunkConfig, initialise

PROPRIO_DIM = 10


class Network(nn.Module):
    """Everything behind the eyes.

    Args:
        looks: number of things that the eyes tell apart, S.
        words: rows of the word embedding.
        trunk: sizes.
        head: a card's `[head]` table.
        scale: how actions become numbers.
        horizon: steps of a chunk, H.
        studied: what the head found in the data (see `Head.study`).
    """

    def __init__(
        self,
        looks: int,
        words: int,
        trunk: TrunkConfig,
        head: Mapping[str, Any],
        scale: observe.ActionScale,
        horizon: int,
        studied: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.scale = scale
        self.see = nn.Linear(observe.TOKEN_DIM, trunk.prefix_width)
        self.look = nn.Parameter(torch.zeros(looks, trunk.prefix_width))
        self.word = nn.Embedding(words, trunk.prefix_width)
        self.feel = nn.Linear(PROPRIO_DIM, trunk.action_width)
        self.trunk = Trunk(trunk)
        self.head = build_head(head, scale.space(horizon), trunk.action_width, studied)

    def initialise(self, generator: Generator) -> Network:
        """Draw new weights, in place; the head's last, so that all heads get the same trunk."""
        for part in (self.see, self.feel, self.trunk):
            initialise(part, generator)
        nn.init.normal_(self.look, std=1.0, generator=generator)
        width = self.word.embedding_dim
        nn.init.normal_(self.word.weight, std=width**-0.5, generator=generator)
        self.head.initialise(generator)
        return self

    def matrices(self) -> list[nn.Parameter]:
        """The weight matrices between tokens and tokens, the same for every head."""
        return [p for p in self.trunk.parameters() if p.ndim == 2]

    def prefix(self, features: Tensor, ids: Tensor, valid: Tensor) -> PrefixCache:
        """Run what is seen (B, S, 11) and asked, word ids and their validity (B, L), once."""
        seen = self.see(observe.tokens(features)) + self.look
        # Only text is scaled by √width, as in PaliGemma.
        said = self.word(ids) * self.word.embedding_dim**0.5
        there = torch.ones(seen.shape[:2], dtype=torch.bool, device=seen.device)
        return self.trunk.prefix(torch.cat([seen, said], 1), torch.cat([there, valid], 1))

    def context(self, cache: PrefixCache, proprio: Tensor) -> Context:
        """What a head may ask, having felt (B, 10)."""
        return Context(self.trunk, cache, self.feel(observe.state(proprio)))

    def loss(self, batch: Mapping[str, Tensor], generator: Generator, draws: int) -> Tensor:
        """The head's loss on features, proprio, ids, words (validity), actions and valid.

        Where the batch has `noise`, it is the noise that belongs to each chunk.
        """
        cache = self.prefix(batch["features"], batch["ids"], batch["words"])
        actions = self.scale.normalise(batch["actions"])
        target = Target(actions, batch["valid"], batch.get("noise"))
        return self.head.loss(self.context(cache, batch["proprio"]), target, generator, draws)

    def sample(
        self, cache: PrefixCache, proprio: Tensor, draw: Draw, steps: int, solver: str
    ) -> Tensor:
        """Actions, (B, at most H, 7), not clipped (see `Head.sample`)."""
        context = self.context(cache, proprio)
        return self.scale.restore(self.head.sample(context, draw, steps, solver))
