"""Names of a published checkpoint's tensors, and what becomes of them here.

Both published layouts are read by openpi's names; LeRobot's have a prefix before them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from pi0bench.errors import UsageError
from pi0bench.pi0.pi0_network import Pi0Network
from pi0bench.pi0.variants import Variant, VisionConfig
from pi0bench.policy.pi0_trunk import TrunkConfig

Shapes = Mapping[str, tuple[int, ...]]

_VLM = "paligemma_with_expert.paligemma.model."
_VISION = f"{_VLM}vision_tower.vision_model."
_LANGUAGE = f"{_VLM}language_model."
_EXPERT = "paligemma_with_expert.gemma_expert.model."
EMBEDDING = f"{_LANGUAGE}embed_tokens.weight"
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
        rows: of each, where there are several.
        sign: -1 where the checkpoint's velocity leads from data to noise and ours to data.
    """

    names: tuple[str, ...]
    rows: tuple[int, ...] = ()
    sign: int = 1

    def read(self, tensor_of: Callable[[str], Tensor]) -> Tensor:
        """The tensor, of those that the checkpoint has."""
        parts = [tensor_of(name) for name in self.names]
        whole = parts[0] if len(parts) == 1 else torch.cat(parts)
        return whole if self.sign == 1 else -whole

    def shapes(self, whole: tuple[int, ...]) -> Shapes:
        """Of each tensor in the checkpoint, of the whole's here."""
        rows = self.rows or whole[:1]
        return {name: (n, *whole[1:]) for name, n in zip(self.names, rows, strict=True)}


def variant_of(path: Path, shapes: Shapes, horizon: int) -> Variant:
    """The sizes of a checkpoint, as its tensors have them.

    How a tower's width is divided into heads no tensor tells; in SigLIP they are 16.

    Raises:
        UsageError: what tells them is missing.
    """
    layer, expert = f"{_LANGUAGE}layers.0.", f"{_EXPERT}layers.0."
    try:
        words, width = shapes[EMBEDDING]
        head_dim = shapes[f"{layer}self_attn.k_proj.weight"][0]  # of the only key head
        patches = shapes[f"{_VISION}embeddings.patch_embedding.weight"]
        positions = shapes[f"{_VISION}embeddings.position_embedding.weight"][0]
        action_width, action_dim = shapes["action_in_proj.weight"]
        return Variant(
            VisionConfig(
                width=patches[0],
                depth=_depth(shapes, f"{_VISION}encoder.layers."),
                mlp=shapes[f"{_VISION}encoder.layers.0.mlp.fc1.weight"][0],
                patch=patches[-1],
                side=round(positions**0.5) * patches[-1],
            ),
            TrunkConfig(
                depth=_depth(shapes, f"{_LANGUAGE}layers."),
                prefix_width=width,
                action_width=action_width,
                prefix_mlp=shapes[f"{layer}mlp.gate_proj.weight"][0],
                action_mlp=shapes[f"{expert}mlp.gate_proj.weight"][0],
                heads=shapes[f"{layer}self_attn.q_proj.weight"][0] // head_dim,
                kv_heads=1,
                head_dim=head_dim,
            ),
            vocab_size=words,
            action_dim=action_dim,
            action_horizon=horizon,
            adaptive="time_mlp_in.weight" in shapes,
        )
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        raise UsageError(f"{path}: no π0: it does not tell {error}") from None


def _depth(shapes: Shapes, stack: str) -> int:
    """How many layers a stack has."""
    return len(
        {name.removeprefix(stack).split(".")[0] for name in shapes if name.startswith(stack)}
    )


def published_shapes(variant: Variant) -> Shapes:
    """The shapes of all tensors that a checkpoint has to hold, by openpi's names."""
    with torch.device("meta"):
        own = Pi0Network(variant).state_dict()
    found: dict[str, tuple[int, ...]] = {}
    for name, source in sources(variant).items():
        found |= source.shapes(tuple(own[name].shape))
    return found


def sources(variant: Variant) -> Mapping[str, Source]:
    """Where every tensor of a `Pi0Network` comes from."""
    return dict(_sources(variant))


def _sources(variant: Variant) -> Iterator[tuple[str, Source]]:
    yield "text_embedding.weight", Source((EMBEDDING,))
    yield from _vision(variant.vision)
    yield from _expert("trunk.prefix_expert.", _LANGUAGE, variant.trunk)
    yield from _expert("trunk.action_expert.", _EXPERT, variant.trunk, variant.adaptive)
    if not variant.adaptive:
        yield from _linear("state_proj", "state_proj")
    times = "time_mlp" if variant.adaptive else "action_time_mlp"
    for name in ("action_in_proj", f"{times}_in", f"{times}_out"):
        yield from _linear(f"head.{name}", name)
    yield from _linear("head.action_out_proj", "action_out_proj", sign=-1)


def _vision(config: VisionConfig) -> Iterator[tuple[str, Source]]:
    embeddings = f"{_VISION}embeddings."
    yield from _linear("vision.patches", f"{embeddings}patch_embedding")
    yield "vision.positions", Source((f"{embeddings}position_embedding.weight",))
    for i in range(config.depth):
        own, theirs = f"vision.layers.{i}.", f"{_VISION}encoder.layers.{i}."
        yield from _linear(f"{own}norm_attention", f"{theirs}layer_norm1")
        heads = [f"{theirs}self_attn.{name}_proj" for name in "qkv"]
        yield from _linear(f"{own}qkv", *heads, rows=3 * (config.width,))
        yield from _linear(f"{own}out", f"{theirs}self_attn.out_proj")
        yield from _linear(f"{own}norm_mlp", f"{theirs}layer_norm2")
        yield from _linear(f"{own}mlp_in", f"{theirs}mlp.fc1")
        yield from _linear(f"{own}mlp_out", f"{theirs}mlp.fc2")
    yield from _linear("vision.norm", f"{_VISION}post_layernorm")
    yield from _linear("vision.projector", f"{_VLM}multi_modal_projector.linear")


def _expert(
    own: str, theirs: str, config: TrunkConfig, adaptive: bool = False
) -> Iterator[tuple[str, Source]]:
    def norm(here: str, there: str) -> Iterator[tuple[str, Source]]:
        if adaptive:
            yield from _linear(f"{own}{here}.dense", f"{theirs}{there}.dense")
        else:
            yield f"{own}{here}.weight", Source((f"{theirs}{there}.weight",))

    rows = tuple(config.head_dim * n for n in (config.heads, config.kv_heads, config.kv_heads))
    for i in range(config.depth):
        layer, of = f"{own}layers.{i}.", f"{theirs}layers.{i}."
        heads = tuple(f"{of}self_attn.{name}_proj.weight" for name in "qkv")
        yield from norm(f"layers.{i}.norm_attention", f"layers.{i}.input_layernorm")
        yield f"{layer}qkv.weight", Source(heads, rows)
        yield f"{layer}out.weight", Source((f"{of}self_attn.o_proj.weight",))
        yield from norm(f"layers.{i}.norm_mlp", f"layers.{i}.post_attention_layernorm")
        for name in ("gate", "up", "down"):
            yield f"{layer}{name}.weight", Source((f"{of}mlp.{name}_proj.weight",))
    yield from norm("norm", "norm")


def _linear(
    own: str, *theirs: str, rows: tuple[int, ...] = (), sign: int = 1
) -> Iterator[tuple[str, Source]]:
    for part in ("weight", "bias"):
        yield f"{own}.{part}", Source(tuple(f"{name}.{part}" for name in theirs), rows, sign)
