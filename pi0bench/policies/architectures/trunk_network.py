"""From what is seen, felt and asked to a chunk of actions: tokens, trunk and head put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from pi0bench.policies import normalisation
from pi0bench.policies.heads import build_head
from pi0bench.policies.heads.head import Context, Draw, Target
from pi0bench.policies.network import PROPRIO_DIM, Given, Network, Sampled, Seen
from pi0bench.policies.pi0_trunk import PrefixCache, Trunk, TrunkConfig, initialise


class TrunkNetwork(Network):
    """The network that all heads of the controlled comparison share.

    Args:
        given: of eyes, words and actions.
        trunk: sizes.
        head: a card's `[head]` table.
    """

    def __init__(self, given: Given, trunk: TrunkConfig, head: Mapping[str, Any]) -> None:
        space = given.scale.space(given.horizon)
        made = build_head(head, space, trunk.action_width, given.studied)
        super().__init__(given.scale, made.solvers, made.steps)
        self.see = nn.Linear(normalisation.TOKEN_DIM, trunk.prefix_width)
        self.look = nn.Parameter(torch.zeros(given.looks, trunk.prefix_width))
        self.word = nn.Embedding(given.words, trunk.prefix_width)
        self.feel = nn.Linear(PROPRIO_DIM, trunk.action_width)
        self.trunk = Trunk(trunk)
        self.head = made

    @staticmethod
    def of(card: Mapping[str, Any], given: Given) -> TrunkNetwork:
        """The network of a card."""
        return TrunkNetwork(given, TrunkConfig(**card["trunk"]), card["head"])

    def initialise(self, generator: Generator) -> TrunkNetwork:
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
        seen = self.see(normalisation.tokens(features)) + self.look
        # Only text is scaled by √width, as in PaliGemma.
        said = self.word(ids) * self.word.embedding_dim**0.5
        there = torch.ones(seen.shape[:2], dtype=torch.bool, device=seen.device)
        return self.trunk.prefix(torch.cat([seen, said], 1), torch.cat([there, valid], 1))

    def encode(self, seen: Seen) -> Context:
        """What a head may ask: the prefix's keys and values, and the embedded state."""
        cache = self.prefix(seen["features"], seen["ids"], seen["words"])
        return Context(self.trunk, cache, self.feel(normalisation.state(seen["proprio"])))

    def loss(self, batch: Seen, generator: Generator, draws: int) -> Tensor:
        """The head's loss (see `Network.loss`)."""
        return self.head.loss(self.encode(batch), self._target(batch), generator, draws)

    def tokenize(self, batch: Seen) -> dict[str, Tensor]:
        """The head's tokens of the batch's chunks (see `Network.tokenize`)."""
        target = self.head.tokenize(self._target(batch))
        made = {"tokens": target.tokens, "counted": target.counted}
        return {name: x for name, x in made.items() if x is not None}

    def _target(self, batch: Seen) -> Target:
        actions = self.scale.normalise(batch["actions"])
        rest = (batch.get(name) for name in ("noise", "tokens", "counted"))
        return Target(actions, batch["valid"], *rest)

    def sample(self, encoded: Context, draw: Draw, steps: int, solver: str) -> Sampled:
        """The head's sample; the trunk counts its own evaluations."""
        self.trunk.evaluations = 0
        numbers = self.head.sample(encoded, draw, steps, solver)
        return Sampled(self.scale.restore(numbers), self.trunk.evaluations)
