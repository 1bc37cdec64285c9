"""A layer of π0's trunk, and the sizes of all of them.

Letters as in `pi0_trunk`: B observations, S tokens, W a width, N query heads, K key heads, D
head_dim. Source: Gemma's layer, as in openpi.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPS = 1e-6  # Gemma's


@dataclass(frozen=True)
class TrunkConfig:
    """Sizes of both experts; heads and depth are common, because the attention is."""

    depth: int = 4
    prefix_width: int = 128
    action_width: int = 96
    prefix_mlp: int = 256
    action_mlp: int = 192
    heads: int = 8
    kv_heads: int = 1
    head_dim: int = 16


class RMSNorm(nn.Module):
    """x / rms(x) · (1 + w), computed in fp32, w = 0 at the start; eps 1e-6 (Gemma)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(…, W) to (…, W)."""
        normed = functional.rms_norm(x.float(), self.weight.shape, 1 + self.weight.float(), EPS)
        return normed.to(x.dtype)


class Layer(nn.Module):
    """One expert's half of one layer; q, k and v come from one matrix, in this order."""

    def __init__(self, width: int, mlp: int, config: TrunkConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = config.heads, config.kv_heads, config.head_dim
        rows = (config.heads + 2 * config.kv_heads) * config.head_dim
        self.norm_attention = RMSNorm(width)
        self.qkv = nn.Linear(width, rows, bias=False)
        self.out = nn.Linear(config.heads * config.head_dim, width, bias=False)
        self.norm_mlp = RMSNorm(width)
        self.gate = nn.Linear(width, mlp, bias=False)
        self.up = nn.Linear(width, mlp, bias=False)
        self.down = nn.Linear(mlp, width, bias=False)

    def project(self, x: Tensor, rope: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Tokens (B, S, W) to rotated q (B, N, S, D), rotated k and plain v (B, K, S, D)."""
        return self.heads_of(self.norm_attention(x), rope)

    def heads_of(
        self, normed: Tensor, rope: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The same, of tokens after the norm."""
        qkv = self.qkv(normed).unflatten(-1, (-1, self.head_dim))
        qk, v = qkv.split([self.heads + self.kv_heads, self.kv_heads], dim=2)
        q, k = apply_rope(qk, rope).split([self.heads, self.kv_heads], dim=2)
        return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)

    def output_and_mlp(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add the attention's output (B, N, S, D) and then the GeGLU's to the tokens (B, S, W)."""
        x = x + self.joined(attended)
        return x + self.geglu(self.norm_mlp(x))

    def joined(self, attended: Tensor) -> Tensor:
        """The attention's output, (B, N, S, D), of all heads together, (B, S, W)."""
        return self.out(attended.transpose(1, 2).flatten(2))

    def geglu(self, normed: Tensor) -> Tensor:
        """The perceptron of tokens after the norm, (B, S, W)."""
        gate = functional.gelu(self.gate(normed), approximate="tanh")
        return self.down(gate * self.up(normed))


def apply_rope(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate (B, S, heads, D) by its positions, pairing dimension j with j + D/2."""
    cos, sin = rope  # rolling is half the cost of splitting the halves on a CPU
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)
