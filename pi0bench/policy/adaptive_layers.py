"""Layers whose norms a condition scales, shifts and gates: those of π0.5's action expert.

Source: Peebles and Xie 2023 (adaLN-zero), with Gemma's norm in place of LayerNorm, as in openpi.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from pi0bench.policy.trunk_layers import EPS, Layer, TrunkConfig


@dataclass(frozen=True)
class Modulation:
    """What a condition makes of a norm and of what follows it; (B, 1, W) each."""

    scale: Tensor
    shift: Tensor
    gate: Tensor

    def normed(self, x: Tensor) -> Tensor:
        """X / rms(x) · (1 + scale) + shift, computed in fp32, (B, S, W)."""
        normed = functional.rms_norm(x.float(), x.shape[-1:], eps=EPS)
        return (normed * (1 + self.scale.float()) + self.shift.float()).to(x.dtype)


class AdaptiveRMSNorm(nn.Module):
    """Scale, shift and gate, linear in a condition as wide as the tokens."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, 3 * width)

    def forward(self, condition: Tensor) -> Modulation:
        """A condition (B, W) to what it does."""
        return Modulation(*self.dense(condition)[:, None].chunk(3, dim=-1))


class AdaptiveLayer(Layer):
    """A layer with adaptive norms, which is asked through `given`."""

    def __init__(self, width: int, mlp: int, config: TrunkConfig) -> None:
        super().__init__(width, mlp, config)
        self.norm_attention = AdaptiveRMSNorm(width)
        self.norm_mlp = AdaptiveRMSNorm(width)

    def given(self, condition: Tensor) -> GivenLayer:
        """The layer under a condition, (B, W)."""
        return GivenLayer(self, self.norm_attention(condition), self.norm_mlp(condition))


@dataclass(frozen=True)
class GivenLayer:
    """An adaptive layer under a condition, asked as a `Layer` is."""

    layer: AdaptiveLayer
    attention: Modulation
    mlp: Modulation

    def project(self, x: Tensor, rope: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """See `Layer.project`."""
        return self.layer.heads_of(self.attention.normed(x), rope)

    def output_and_mlp(self, x: Tensor, attended: Tensor) -> Tensor:
        """See `Layer.output_and_mlp`; each part is gated before it is added."""
        x = x + self.attention.gate * self.layer.joined(attended)
        return x + self.mlp.gate * self.layer.geglu(self.mlp.normed(x))
