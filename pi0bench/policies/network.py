"""From what is seen, felt and asked to a chunk of actions: tokens, trunk and head put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from pi0bench.policies import observe
from pi0bench.policies.heads import build_head
from pi0bench.policies.trunk import PrefixCache, Trunk, TrunkConfig, initialise

ACTION_DIM = 7
PROPRIO_DIM = 10


class Network(nn.Module):
    """Everything behind the eyes.

    Args:
        looks: number of things that the eyes tell apart, S.
        words: rows of the word embedding.
        trunk: sizes.
        head: a card's `[head]` table.
        scale: how actions become numbers.
    """

    def __init__(
        self,
        looks: int,
        words: int,
        trunk: TrunkConfig,
        head: Mapping[str, Any],
        scale: observe.ActionScale,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.see = nn.Linear(observe.TOKEN_DIM, trunk.prefix_width)
        self.look = nn.Parameter(torch.zeros(looks, trunk.prefix_width))
        self.word = nn.Embedding(words, trunk.prefix_width)
        self.feel = nn.Linear(PROPRIO_DIM, trunk.action_width)
        self.trunk = Trunk(trunk)
        self.head = build_head(head, ACTION_DIM, trunk.action_width)

    def initialise(self, generator: Generator) -> Network:
        """Draw new weights, in place."""
        initialise(self, generator)
        nn.init.normal_(self.look, std=1.0, generator=generator)
        width = self.word.embedding_dim
        nn.init.normal_(self.word.weight, std=width**-0.5, generator=generator)
        return self

    def prefix(self, features: Tensor, ids: Tensor, valid: Tensor) -> PrefixCache:
        """Run what is seen (B, S, 11) and asked, word ids and their validity (B, L), once."""
        seen = self.see(observe.tokens(features)) + self.look
        # Only text is scaled by √width, as in PaliGemma.
        said = self.word(ids) * self.word.embedding_dim**0.5
        there = torch.ones(seen.shape[:2], dtype=torch.bool, device=seen.device)
        return self.trunk.prefix(torch.cat([seen, said], 1), torch.cat([there, valid], 1))

    def state(self, proprio: Tensor) -> Tensor:
        """What is felt, (B, 10), as the state token, (B, W)."""
        return self.feel(observe.state(proprio))

    def loss(self, batch: Mapping[str, Tensor], generator: Generator, draws: int) -> Tensor:
        """The head's loss on features, proprio, ids, words (validity), actions and valid."""
        cache = self.prefix(batch["features"], batch["ids"], batch["words"])
        actions = self.scale.normalise(batch["actions"])
        state = self.state(batch["proprio"])
        return self.head.loss(self.trunk, cache, state, actions, batch["valid"], generator, draws)

    def sample(self, cache: PrefixCache, proprio: Tensor, noise: Tensor, steps: int) -> Tensor:
        """Actions (B, H, 7) from noise of the same shape; not clipped."""
        numbers = self.head.sample(self.trunk, cache, self.state(proprio), noise, steps)
        return self.scale.restore(numbers)
