"""The published π0: SigLIP and Gemma before the trunk and the head that the nano policies have.

Letters: B observations, C cameras, L words, H steps of a chunk, A numbers of an action. Source:
Black et al. 2024 (π0); details as in openpi.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pi0bench.pi0.variants import Variant
from pi0bench.pi0.vision_tower import VisionTower
from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.policy.heads.head import Context
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
        self.state_proj = nn.Linear(variant.action_dim, trunk.action_width)
        self.trunk = Trunk(trunk)
        self.head = GaussianPathHead(space, trunk.action_width, times="pi0")

    def encode(
        self, pictures: Tensor, seen: Tensor, words: Tensor, said: Tensor, state: Tensor
    ) -> Context:
        """Run what is seen and said through the trunk, once.

        Args:
            pictures: of each camera, (B, C, 3, side, side) in [-1, 1].
            seen: False for cameras that are not there, (B, C) bool.
            words: numbers of the words, (B, L) int64.
            said: False for padding, (B, L) bool.
            state: normalised and padded, (B, A).
        """
        looks = self.vision(pictures.flatten(0, 1)).unflatten(0, pictures.shape[:2])
        # Of the two only text is scaled by √width, as in PaliGemma.
        text = self.text_embedding(words) * self.text_embedding.embedding_dim**0.5
        tokens = torch.cat([looks.flatten(1, 2), text], dim=1)
        mask = torch.cat([seen.repeat_interleave(looks.shape[2], 1), said], dim=1)
        return Context(self.trunk, self.trunk.prefix(tokens, mask), self.state_proj(state))
