"""Names of a published checkpoint's tensors, and what becomes of them here.

Both published layouts are read by openpi's names; LeRobot's have a prefix before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pi0bench.pi0.variants import Variant

_VLM = "paligemma_with_expert.paligemma.model."
_VISION = f"{_VLM}vision_tower.vision_model."
_EXPERT = "paligemma_with_expert.gemma_expert.model."
UNUSED = (
    "paligemma_with_expert.paligemma.lm_head.weight",
    "paligemma_with_expert.gemma_expert.lm_head.weight",
)
"""What checkpoints hold and π0 never uses: the first is the embedding once more."""


@dataclass(frozen=True)
class Source:
    """Where a tensor comes from.

    Attributes:
        names: in the checkpoint; several are joined along the first axis.
        sign: -1 where the checkpoint's velocity leads from data to noise and ours to data.
    """

    names: tuple[str, ...]
    sign: int = 1

    def read(self, tensor_of: Callable[[str], Tensor]) -> Tensor:
        """The tensor, of those that the checkpoint has."""
        parts = [tensor_of(name) for name in self.names]
        whole = parts[0] if len(parts) == 1 else torch.cat(parts)
        return whole if self.sign == 1 else -whole


def sources(variant: Variant) -> Mapping[str, Source]:
    """Where every tensor of a `Pi0Network` comes from."""
    return dict(_sources(variant))


def _sources(variant: Variant) -> Iterator[tuple[str, Source]]:
    yield "text_embedding.weight", Source((f"{_VLM}language_model.embed_tokens.weight",))
    yield from _vision(variant.vision.depth)
    for own, theirs in (("prefix", f"{_VLM}language_model."), ("action", _EXPERT)):
        yield from _expert(f"trunk.{own}_expert.", theirs, variant.trunk.depth)
    yield from _linear("state_proj", "state_proj")
    for name in ("action_in_proj", "action_time_mlp_in", "action_time_mlp_out"):
        yield from _linear(f"head.{name}", name)
    yield from _linear("head.action_out_proj", "action_out_proj", sign=-1)


def _vision(depth: int) -> Iterator[tuple[str, Source]]:
    embeddings = f"{_VISION}embeddings."
    yield from _linear("vision.patches", f"{embeddings}patch_embedding")
    yield "vision.positions", Source((f"{embeddings}position_embedding.weight",))
    for i in range(depth):
        own, theirs = f"vision.layers.{i}.", f"{_VISION}encoder.layers.{i}."
        yield from _linear(f"{own}norm_attention", f"{theirs}layer_norm1")
        heads = [f"{theirs}self_attn.{name}_proj" for name in "qkv"]
        yield from _linear(f"{own}qkv", *heads)
        yield from _linear(f"{own}out", f"{theirs}self_attn.out_proj")
        yield from _linear(f"{own}norm_mlp", f"{theirs}layer_norm2")
        yield from _linear(f"{own}mlp_in", f"{theirs}mlp.fc1")
        yield from _linear(f"{own}mlp_out", f"{theirs}mlp.fc2")
    yield from _linear("vision.norm", f"{_VISION}post_layernorm")
    yield from _linear("vision.projector", f"{_VLM}multi_modal_projector.linear")


def _expert(own: str, theirs: str, depth: int) -> Iterator[tuple[str, Source]]:
    for i in range(depth):
        layer, of = f"{own}layers.{i}.", f"{theirs}layers.{i}."
        heads = tuple(f"{of}self_attn.{name}_proj.weight" for name in "qkv")
        yield f"{layer}norm_attention.weight", Source((f"{of}input_layernorm.weight",))
        yield f"{layer}qkv.weight", Source(heads)
        yield f"{layer}out.weight", Source((f"{of}self_attn.o_proj.weight",))
        yield f"{layer}norm_mlp.weight", Source((f"{of}post_attention_layernorm.weight",))
        for name in ("gate", "up", "down"):
            yield f"{layer}{name}.weight", Source((f"{of}mlp.{name}_proj.weight",))
    yield f"{own}norm.weight", Source((f"{theirs}norm.weight",))


def _linear(own: str, *theirs: str, sign: int = 1) -> Iterator[tuple[str, Source]]:
    for part in ("weight", "bias"):
        yield f"{own}.{part}", Source(tuple(f"{name}.{part}" for name in theirs), sign)
