"""transformers' own π0 at a tiny size, with random weights, under openpi's names."""

from __future__ import annotations

from typing import Any

import torch
import transformers
from torch import Generator, Tensor

from pi0bench.pi0.variants import Variant, VisionConfig
from pi0bench.policy.pi0_trunk import TrunkConfig

TINY = Variant(
    vision=VisionConfig(width=48, depth=2, heads=4, mlp=96, patch=14, side=28),
    trunk=TrunkConfig(3, 64, 32, 128, 64, 8, 1, 16),
    vocab_size=512,
    action_dim=7,
    action_horizon=10,
)
_IMAGE_TOKEN = 511
_PREFIXES = {
    "model.vlm.vision_tower.": "paligemma_with_expert.paligemma.model.vision_tower.",
    "model.vlm.": "paligemma_with_expert.paligemma.model.",
    "model.dit.": "paligemma_with_expert.gemma_expert.model.",
    "embed_action_time.": "",
}


class Oracle:
    """A model of transformers' with random weights (see `TINY`)."""

    def __init__(self) -> None:
        trunk, vision = TINY.trunk, TINY.vision
        attention = {
            "num_hidden_layers": trunk.depth,
            "num_attention_heads": trunk.heads,
            "num_key_value_heads": trunk.kv_heads,
            "head_dim": trunk.head_dim,
        }
        config = transformers.PI0Config(
            vlm_config={
                "model_type": "paligemma",
                "text_config": {
                    "model_type": "gemma",
                    "hidden_size": trunk.prefix_width,
                    "intermediate_size": trunk.prefix_mlp,
                    "vocab_size": TINY.vocab_size,
                    **attention,
                },
                "vision_config": {
                    "model_type": "siglip_vision_model",
                    "hidden_size": vision.width,
                    "intermediate_size": vision.mlp,
                    "num_hidden_layers": vision.depth,
                    "num_attention_heads": vision.heads,
                    "patch_size": vision.patch,
                    "image_size": vision.side,
                    "vision_use_head": False,
                },
                "projection_dim": trunk.prefix_width,
                "image_token_id": _IMAGE_TOKEN,
            },
            dit_config={
                "model_type": "gemma",
                "hidden_size": trunk.action_width,
                "intermediate_size": trunk.action_mlp,
                **attention,
            },
            chunk_size=TINY.action_horizon,
            max_state_dim=TINY.action_dim,
            max_action_dim=TINY.action_dim,
            loss_reduction="none",
        )
        self.model: Any = transformers.PI0ForConditionalGeneration(config).eval()
        generator = Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.model.parameters():
                scale = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
                parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))

    def tensors(self) -> dict[str, Tensor]:
        """Its weights, under the names of openpi's checkpoints."""
        return {_published(name): x for name, x in self.model.state_dict().items()}

    def looks(self, pictures: Tensor) -> Tensor:
        """SigLIP's tokens of pictures (N, 3, side, side), as the language model takes them."""
        return self.model.model.vlm.get_image_features(pictures).pooler_output

    def keys_and_values(self, seen: dict[str, Tensor]) -> list[tuple[Tensor, Tensor]]:
        """Gemma's, of each layer, of what is seen and said."""
        vlm, mask = self.model.model.vlm, seen["attention_mask"]
        images = seen["pixel_values"], seen["pixel_attention_mask"]
        embedded = self.model.model.embed_prefix(seen["input_ids"], *images)
        cache = vlm(
            inputs_embeds=embedded,
            attention_mask=mask,
            position_ids=mask.cumsum(-1) - 1,
            token_type_ids=torch.zeros_like(mask),
            use_cache=True,
        ).cache
        return [(layer.keys, layer.values) for layer in cache.layers]

    def seen(
        self, pictures: Tensor, there: Tensor, words: Tensor, said: Tensor
    ) -> dict[str, Tensor]:
        """The arguments that say what is seen and said: pictures that are there, then words."""
        tokens = TINY.vision.tokens
        rows = []
        for row in range(len(words)):
            looks = torch.full((tokens * int(there[row].sum()),), _IMAGE_TOKEN)
            rows.append(torch.cat([looks, words[row, said[row]]]))
        longest = max(map(len, rows))
        ids = torch.stack([torch.nn.functional.pad(row, (0, longest - len(row))) for row in rows])
        mask = torch.stack([torch.arange(longest) < len(row) for row in rows]).long()
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "pixel_values": pictures,
            "pixel_attention_mask": there,
        }


def _published(name: str) -> str:
    for own, theirs in _PREFIXES.items():
        if name.startswith(own):
            name = theirs + name.removeprefix(own)
            break
    tower = "paligemma_with_expert.paligemma.model.vision_tower."
    if name.startswith(tower) and not name.startswith(f"{tower}vision_model."):
        name = f"{tower}vision_model.{name.removeprefix(tower)}"
    return name
