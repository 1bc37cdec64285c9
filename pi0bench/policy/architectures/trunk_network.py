"""From what is seen, felt and asked to a chunk of actions: tokens, trunk and head put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Generator, Tensor, nn

from pi0bench.policy.architectures.keypoint_tokens import KeypointTokens
from pi0bench.policy.architectures.state_projection import StateProjection
from pi0bench.policy.heads import build_head
from pi0bench.policy.heads.chunk_guidance import Guidance
from pi0bench.policy.heads.head import Context, NoiseSource, Sampled, Target
from pi0bench.policy.network import Network, NetworkSpec, ObservationBatch
from pi0bench.policy.pi0_trunk import KVCache, Trunk, TrunkConfig
from pi0bench.policy.weight_init import initialise


class TrunkNetwork(Network):
    """The network that all heads of the controlled comparison share.

    Args:
        spec: of keypoints, words and actions.
        trunk: sizes.
        head: a card's `[head]` table.
    """

    def __init__(self, spec: NetworkSpec, trunk: TrunkConfig, head: Mapping[str, Any]) -> None:
        space = spec.norm_stats.space(spec.action_horizon)
        made = build_head(head, space, trunk.action_width, spec.tokenizer)
        sampler = made.solvers, made.steps, made.guidable, made.draws, made.prefix_steps
        super().__init__(spec.norm_stats, made.horizon, *sampler)
        self.keypoint_tokens = KeypointTokens(spec.keypoints, trunk.prefix_width, spec.motion)
        self.text_embedding = nn.Embedding(spec.vocab_size, trunk.prefix_width)
        self.state_proj = StateProjection(trunk.action_width, spec.lag)
        self.trunk = Trunk(trunk)
        self.head = made

    def initialise(self, generator: Generator) -> TrunkNetwork:
        """Draw new weights, in place; the head's last, so that all heads get the same trunk."""
        self.keypoint_tokens.initialise(generator)
        for part in (self.state_proj, self.trunk):
            initialise(part, generator)
        width = self.text_embedding.embedding_dim
        nn.init.normal_(self.text_embedding.weight, std=width**-0.5, generator=generator)
        self.head.initialise(generator)
        return self

    def matrices(self) -> list[nn.Parameter]:
        """The weight matrices between tokens and tokens, the same for every head."""
        return [p for p in self.trunk.parameters() if p.ndim == 2]

    def prefix(self, batch: ObservationBatch) -> KVCache:
        """Run what is seen and asked through the trunk, once."""
        seen = self.keypoint_tokens(batch)
        # Only text is scaled by √width, as in PaliGemma.
        said = self.text_embedding(batch["prompt_tokens"]) * self.text_embedding.embedding_dim**0.5
        there = torch.ones(seen.shape[:2], dtype=torch.bool, device=seen.device)
        mask = torch.cat([there, batch["prompt_mask"]], 1)
        return self.trunk.prefix(torch.cat([seen, said], 1), mask)

    def encode(self, batch: ObservationBatch) -> Context:
        """What a head may ask: the prefix's keys and values, and the embedded state."""
        state = self.state_proj(batch["proprio"])
        return Context(self.trunk, self.prefix(batch), state)

    def loss(self, batch: ObservationBatch, generator: Generator, draws: int) -> Tensor:
        """The head's loss (see `Network.loss`)."""
        return self.head.loss(self.encode(batch), self._target(batch), generator, draws)

    def tokenize(self, batch: ObservationBatch) -> dict[str, Tensor]:
        """The head's tokens of the batch's chunks (see `Network.tokenize`)."""
        target = self.head.tokenize(self._target(batch))
        made = {"action_tokens": target.tokens, "action_token_mask": target.token_mask}
        return {name: x for name, x in made.items() if x is not None}

    def _target(self, batch: ObservationBatch) -> Target:
        actions = self.norm_stats.normalise(batch["actions"])
        rest = (batch.get(name) for name in ("noise", "action_tokens", "action_token_mask"))
        return Target(actions, batch["valid"], *rest)

    def sample(self, encoded: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """The head's sample."""
        return self.unnormalised(self.head.sample(encoded, noise, steps, solver))

    def sample_guided(
        self, encoded: Context, noise: NoiseSource, steps: int, solver: str, guidance: Guidance
    ) -> Sampled:
        """The head's sample, guided."""
        made = self.head.sample_guided(encoded, noise, steps, solver, guidance)
        return self.unnormalised(made)
