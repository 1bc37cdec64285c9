"""SigLIP's vision tower: a picture as tokens of the language model's width.

Letters: N pictures, P tokens of a picture, V the tower's width, W the language model's. Source:
Zhai et al. 2023 (SigLIP); Beyer et al. 2024 (PaliGemma), which maps its tokens linearly.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pi0bench.pi0.variants import VisionConfig

_EPS = 1e-6


class VisionLayer(nn.Module):
    """One layer; q, k and v come from one matrix, in this order."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm_attention = nn.LayerNorm(config.width, _EPS)
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.norm_mlp = nn.LayerNorm(config.width, _EPS)
        self.mlp_in = nn.Linear(config.width, config.mlp)
        self.mlp_out = nn.Linear(config.mlp, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """(N, P, V) to (N, P, V)."""
        split = self.qkv(self.norm_attention(x)).unflatten(-1, (3, self.heads, -1))
        q, k, v = split.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(q, k, v)
        x = x + self.out(attended.transpose(1, 2).flatten(2))
        hidden = functional.gelu(self.mlp_in(self.norm_mlp(x)), approximate="tanh")
        return x + self.mlp_out(hidden)


class VisionTower(nn.Module):
    """Pictures to tokens.

    Args:
        config: sizes.
        width: W.
    """

    def __init__(self, config: VisionConfig, width: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, config.width, config.patch, config.patch)
        self.positions = nn.Parameter(torch.zeros(config.tokens, config.width))
        self.layers = nn.ModuleList(VisionLayer(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width, _EPS)
        self.projector = nn.Linear(config.width, width)

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (N, 3, side, side) in [-1, 1] to tokens (N, P, W)."""
        x = self.patches(pictures).flatten(2).mT + self.positions
        for layer in self.layers:
            x = layer(x)
        return self.projector(self.norm(x))
