"""The published π0: SigLIP and Gemma before the trunk and the head that the nano policies have.

Letters: B observations, C cameras, L words, H steps of a chunk, A numbers of an action. Source:
Black et al. 2024 (π0); details as in openpi.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pi0bench.pi0.adaptive_head import AdaptiveHead
from pi0bench.pi0.variants import Variant
from pi0bench.pi0.vision_tower import VisionTower
from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.policy.heads.head import Context, NoiseSource, Sampled
from pi0bench.policy.normalisation import ActionSpace
from pi0bench.policy.pi0_trunk import Trunk


class Pi0Network(nn.Module):
    """From pictures, words and a state, all as the checkpoint knows them, to what a head asks.

    The head is flow matching as every nano policy has it, so that all its samplers go with it.

    Args:
        variant: the sizes.
    """

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        trunk = variant.trunk
        ends = torch.full((variant.action_dim,), torch.inf)
        space = ActionSpace(variant.action_horizon, (-ends, ends), (-ends, ends))
        self.vision = VisionTower(variant.vision, trunk.prefix_width)
        self.text_embedding = nn.Embedding(variant.vocab_size, trunk.prefix_width)
        self.trunk = Trunk(trunk, variant.adaptive)
        if variant.adaptive:
            self.state_proj = None
            self.head = AdaptiveHead(space, trunk.action_width, times="pi0")
        else:
            self.state_proj = nn.Linear(variant.action_dim, trunk.action_width)
            self.head = GaussianPathHead(space, trunk.action_width, times="pi0")

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.head.action_in_proj.weight.dtype

    def look(self, pictures: Tensor) -> Tensor:
        """Pictures, (B, C, 3, side, side) in [-1, 1], to tokens, (B, C, P, W)."""
        tokens = self.vision(pictures.flatten(0, 1).to(self.dtype))
        return tokens.unflatten(0, pictures.shape[:2])

    def encode(
        self, looks: Tensor, seen: Tensor, words: Tensor, said: Tensor, state: Tensor
    ) -> Context:
        """Run what is seen and said through the trunk, once.

        Args:
            looks: tokens of each camera's picture, (B, C, P, W).
            seen: False for cameras that are not there, (B, C) bool.
            words: numbers of the words, (B, L) int64.
            said: False for padding, (B, L) bool.
            state: normalised and padded, (B, A); π0.5 does not feel it.
        """
        # Of the two only text is scaled by √width, as in PaliGemma.
        text = self.text_embedding(words) * self.text_embedding.embedding_dim**0.5
        tokens = torch.cat([looks.flatten(1, 2), text], dim=1)
        mask = torch.cat([seen.repeat_interleave(looks.shape[2], 1), said], dim=1)
        kv_cache = self.trunk.prefix(tokens, mask)
        felt = state.to(self.dtype)
        felt = felt[:, :0] if self.state_proj is None else self.state_proj(felt)
        return Context(self.trunk, kv_cache, felt)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """From noise to normalised actions, (B, H, A), summed in float32 whatever the weights."""

        def predict(x: Tensor, time: Tensor) -> Tensor:
            return self.head.predict(context, x.to(self.dtype), time).float()

        return self.head.path.sample(predict, noise, steps, solver)
