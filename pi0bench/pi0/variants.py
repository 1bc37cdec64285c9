"""The sizes of the published models."""

from __future__ import annotations

from dataclasses import dataclass

from pi0bench.policy.pi0_trunk import TrunkConfig


@dataclass(frozen=True)
class VisionConfig:
    """Sizes of a SigLIP vision tower; So400m/14 at 224 px unless told otherwise.

    Attributes:
        width: of a token.
        depth: layers.
        heads: of the attention.
        mlp: width of the hidden layer of each layer's perceptron.
        patch: side of the square that becomes a token, pixels.
        side: of the picture, pixels.
    """

    width: int = 1152
    depth: int = 27
    heads: int = 16
    mlp: int = 4304
    patch: int = 14
    side: int = 224

    @property
    def tokens(self) -> int:
        """Of a picture."""
        return (self.side // self.patch) ** 2


GEMMA_2B = TrunkConfig(18, 2048, 1024, 16384, 4096, 8, 1, 256)
"""Gemma of 2 B parameters with an action expert of 0.3 B."""


@dataclass(frozen=True)
class Variant:
    """What of a published model is not in its weights.

    Attributes:
        vision: sizes of the vision tower.
        trunk: sizes of Gemma and of the action expert.
        vocab_size: rows of the embedding of text.
        action_dim: numbers of a state and of an action, after padding.
        action_horizon: steps of a chunk, H.
        adaptive: whether it is a π0.5: the time conditions the action expert, and the state, where
            there is one, is told in words.
    """

    vision: VisionConfig = VisionConfig()
    trunk: TrunkConfig = GEMMA_2B
    vocab_size: int = 257_152
    action_dim: int = 32
    action_horizon: int = 50
    adaptive: bool = False

    @property
    def name(self) -> str:
        """As its authors call it."""
        return "π0.5" if self.adaptive else "π0"

    @property
    def prompt_length(self) -> int:
        """Words of a prompt, padding included."""
        return 200 if self.adaptive else 48


PI0 = Variant()
"""π0 as published: 3 238 048 528 parameters."""

PI05 = Variant(adaptive=True)
"""π0.5 as published."""
