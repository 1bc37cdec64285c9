"""π0's trunk: two experts, one attention; the prefix is computed once and its keys are reused.

Letters: B observations, L prefix tokens, S suffix tokens, W a width, N query heads, K key heads,
D head_dim, T keys. Source: Black et al. 2024 (π0), appendix B; details as in openpi.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from pi0bench.policy.adaptive_layers import AdaptiveLayer, AdaptiveRMSNorm, GivenLayer
from pi0bench.policy.trunk_layers import Layer, RMSNorm, TrunkConfig

MASKED = -2.3819763e38  # openpi's; finite, so that a row without a single valid key is no NaN

Norm = Callable[[Tensor], Tensor]


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


class Expert(nn.Module):
    """One weight set: its layers and its final norm; adaptive ones are conditioned."""

    def __init__(self, width: int, mlp: int, config: TrunkConfig, adaptive: bool = False) -> None:
        super().__init__()
        layer, norm = (AdaptiveLayer, AdaptiveRMSNorm) if adaptive else (Layer, RMSNorm)
        self.layers = nn.ModuleList(layer(width, mlp, config) for _ in range(config.depth))
        self.norm = norm(width)

    @property
    def stack(self) -> list[Layer]:
        """The layers, typed."""
        return cast("list[Layer]", list(self.layers))

    def given(self, condition: Tensor | None) -> tuple[list[Layer] | list[GivenLayer], Norm]:
        """The layers and the final norm, under a condition (B, W) where they are adaptive."""
        if condition is None:
            return self.stack, self.norm
        adaptive = cast("list[AdaptiveLayer]", list(self.layers))
        return [layer.given(condition) for layer in adaptive], self.norm(condition).normed


def _rope(positions: Tensor, dim: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Rotary cosines and signed sines, (B, S, 1, D) each. Source: Su et al. 2021, base 1e4."""
    rates = 1e4 ** (-torch.arange(0, dim, 2, device=positions.device) / dim)
    angles = (positions.float()[..., None] * rates)[:, :, None]
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([cos, cos], dim=-1).to(dtype), torch.cat([-sin, sin], dim=-1).to(dtype)


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

    Args:
        config: sizes.
        adaptive: whether a condition scales, shifts and gates the action expert, as in π0.5.
    """

    def __init__(self, config: TrunkConfig, adaptive: bool = False) -> None:
        super().__init__()
        self.config = config
        self.prefix_expert = Expert(config.prefix_width, config.prefix_mlp, config)
        self.action_expert = Expert(config.action_width, config.action_mlp, config, adaptive)

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
        self,
        kv_cache: KVCache,
        tokens: Tensor,
        blocks: Tensor,
        there: Tensor | None = None,
        condition: Tensor | None = None,
    ) -> tuple[Tensor, KVCache]:
        """One evaluation of the action expert.

        Args:
            kv_cache: of the same B rows (`KVCache.repeat` for several rows an observation).
            tokens: state and action tokens, (B, S, Wa).
            blocks: the block that each token is in, ascending, (S,) int.
            there: False for tokens to which nobody attends, (B, S); none when not given.
            condition: of an adaptive expert, (B, Wa).

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
        stack, norm = self.action_expert.given(condition)
        for layer, (k_before, v_before) in zip(stack, kv_cache.layers, strict=True):
            q, k, v = layer.project(x, rope)
            k, v = torch.cat([k_before, k], dim=2), torch.cat([v_before, v], dim=2)
            layers.append((k, v))
            x = layer.output_and_mlp(x, _attend(q, k, v, attention_mask))
        there = kv_cache.mask.new_ones(rows, size) if there is None else there
        mask = torch.cat([kv_cache.mask, there], dim=1)
        return norm(x), KVCache(tuple(layers), mask, kv_cache.length + size)
