"""π0's trunk: two experts, one attention; the prefix is computed once and its keys are reused.

Letters: B observations, L prefix tokens, S suffix tokens, W a width, N query heads, K key heads,
D head_dim, T keys. Source: Black et al. 2024 (π0), appendix B; details as in openpi.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

MASKED = -2.3819763e38  # openpi's; finite, so that a row without a single valid key is no NaN


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


@dataclass(frozen=True)
class KVCache:
    """Keys and values: layers of (B, K, T, D), mask (B, T), its sum length (B,)."""

    layers: tuple[tuple[Tensor, Tensor], ...]
    mask: Tensor
    length: Tensor

    def repeat(self, draws: int) -> KVCache:
        """Let each row serve `draws` suffix rows that follow one another."""
        if draws == 1:
            return self
        layers = tuple(
            (k.repeat_interleave(draws, 0), v.repeat_interleave(draws, 0)) for k, v in self.layers
        )
        mask, length = (x.repeat_interleave(draws, 0) for x in (self.mask, self.length))
        return KVCache(layers, mask, length)

    def select(self, rows: Tensor) -> KVCache:
        """The rows of these numbers, (R,) int, each as often as it is named."""
        layers = tuple((k.index_select(0, rows), v.index_select(0, rows)) for k, v in self.layers)
        return KVCache(layers, self.mask[rows], self.length[rows])


class RMSNorm(nn.Module):
    """x / rms(x) · (1 + w), computed in fp32, w = 0 at the start; eps 1e-6 (Gemma)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """(…, W) to (…, W)."""
        normed = functional.rms_norm(x.float(), self.weight.shape, 1 + self.weight.float(), 1e-6)
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
        qkv = self.qkv(self.norm_attention(x)).unflatten(-1, (-1, self.head_dim))
        qk, v = qkv.split([self.heads + self.kv_heads, self.kv_heads], dim=2)
        q, k = _apply_rope(qk, rope).split([self.heads, self.kv_heads], dim=2)
        return q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)

    def output_and_mlp(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add the attention's output (B, N, S, D) and then the GeGLU's to the tokens (B, S, W)."""
        x = x + self.out(attended.transpose(1, 2).flatten(2))
        y = self.norm_mlp(x)
        return x + self.down(functional.gelu(self.gate(y), approximate="tanh") * self.up(y))


class Expert(nn.Module):
    """One weight set: its layers and its final norm."""

    def __init__(self, width: int, mlp: int, config: TrunkConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, mlp, config) for _ in range(config.depth))
        self.norm = RMSNorm(width)

    @property
    def stack(self) -> list[Layer]:
        """The layers, typed."""
        return cast("list[Layer]", list(self.layers))


def _rope(positions: Tensor, dim: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Rotary cosines and signed sines, (B, S, 1, D) each. Source: Su et al. 2021, base 1e4."""
    rates = 1e4 ** (-torch.arange(0, dim, 2, device=positions.device) / dim)
    angles = (positions.float()[..., None] * rates)[:, :, None]
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([cos, cos], dim=-1).to(dtype), torch.cat([-sin, sin], dim=-1).to(dtype)


def _apply_rope(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate (B, S, heads, D) by its positions, pairing dimension j with j + D/2."""
    cos, sin = rope  # rolling is half the cost of splitting the halves on a CPU
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)


def _attend(q: Tensor, k: Tensor, v: Tensor, attention_mask: Tensor) -> Tensor:
    """Attention of q (B, N, S, D) over k and v (B, K, T, D); the mask (B, S, T) is added.

    All query heads of a key head are rows of one product: at these sizes that takes two thirds of
    the time of PyTorch's fused attention on a CPU.
    """
    rows = q.unflatten(1, (k.shape[1], -1)).flatten(2, 3)
    scores = (rows @ k.mT * q.shape[-1] ** -0.5).unflatten(2, (-1, q.shape[2]))
    weights = (scores + attention_mask[:, None, None]).float().softmax(dim=-1).to(q.dtype)
    return (weights.flatten(2, 3) @ v).view_as(q)


def _additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where a query may attend to a key and `MASKED` where not."""
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~mask, MASKED)


class Trunk(nn.Module):
    """Blocks [images + text] | [state] | [actions]: a token attends to its own and earlier ones.

    The prefix expert keeps the weights after its last layer's k and v, which π0 never uses, because
    checkpoints hold them.
    """

    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.config = config
        self.prefix_expert = Expert(config.prefix_width, config.prefix_mlp, config)
        self.action_expert = Expert(config.action_width, config.action_mlp, config)

    def prefix(self, tokens: Tensor, mask: Tensor) -> KVCache:
        """Run images and text once; no suffix token can change the result.

        Args:
            tokens: embedded images and text, (B, L, Wp).
            mask: False for padding, to which nobody attends and which takes no position, (B, L).
        """
        x = tokens.masked_fill(~mask[..., None], 0)
        rope = _rope(mask.long().cumsum(1) - 1, self.config.head_dim, x.dtype)
        attention_mask = _additive(mask[:, None].expand(-1, mask.shape[1], -1), x.dtype)
        layers = []
        for i, layer in enumerate(self.prefix_expert.stack, start=1):
            q, k, v = layer.project(x, rope)
            layers.append((k, v))
            if i < self.config.depth:
                x = layer.output_and_mlp(x, _attend(q, k, v, attention_mask))
        return KVCache(tuple(layers), mask, mask.long().sum(1))

    def suffix(
        self, kv_cache: KVCache, tokens: Tensor, blocks: Tensor, there: Tensor | None = None
    ) -> tuple[Tensor, KVCache]:
        """One evaluation of the action expert.

        Args:
            kv_cache: of the same B rows (`KVCache.repeat` for several rows an observation).
            tokens: state and action tokens, (B, S, Wa).
            blocks: the block that each token is in, ascending, (S,) int.
            there: False for tokens to which nobody attends, (B, S); none when not given.

        Returns:
            The tokens after the expert's final norm, (B, S, Wa), and the cache with their keys
            and values, to which every token of a later call attends.
        """
        rows, size = tokens.shape[:2]
        steps = torch.arange(size, device=tokens.device)
        rope = _rope(kv_cache.length[:, None] + steps, self.config.head_dim, tokens.dtype)
        own = (blocks <= blocks[:, None]).expand(rows, -1, -1)
        if there is not None:
            own = own & there[:, None]
        seen = torch.cat([kv_cache.mask[:, None].expand(-1, size, -1), own], dim=2)
        attention_mask = _additive(seen, tokens.dtype)
        x, layers = tokens, []
        for layer, (k_before, v_before) in zip(
            self.action_expert.stack, kv_cache.layers, strict=True
        ):
            q, k, v = layer.project(x, rope)
            k, v = torch.cat([k_before, k], dim=2), torch.cat([v_before, v], dim=2)
            layers.append((k, v))
            x = layer.output_and_mlp(x, _attend(q, k, v, attention_mask))
        there = kv_cache.mask.new_ones(rows, size) if there is None else there
        mask = torch.cat([kv_cache.mask, there], dim=1)
        return self.action_expert.norm(x), KVCache(tuple(layers), mask, kv_cache.length + size)
