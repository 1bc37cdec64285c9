"""What training leaves: weights that say what made them, and of what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from pi0bench.files.atomic import replacing
from pi0bench.machine import processor
from pi0bench.policies import card as cards
from pi0bench.version import version


def write_weights(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> Path:
    """Write a safetensors file whose metadata `about` is what training says of itself, as JSON."""
    flat = {name: x.detach().contiguous() for name, x in tensors.items()}
    with replacing(path) as partial:
        partial.write_bytes(save(flat, metadata={"about": json.dumps(about, sort_keys=True)}))
    return path


def recipe(
    card: Path,
    seed: int,
    data: Sequence[Path],
    curve: Sequence[tuple[int, float]],
    head: Sequence[Path] = (),
) -> dict[str, Any]:
    """How weights were made, for whoever finds them without their folder.

    Args:
        card: its file.
        seed: of the training.
        data: the files that were learned from.
        curve: steps and running mean losses.
        head: the file of a head of others, if it has one.
    """
    found = {
        "card": card.read_text("utf-8"),
        "version": version(),
        "data": cards.digest(*data),
        "seed": seed,
        "learning_curve": curve,
    }
    return {**found, "head": cards.digest(*head)} if head else found


def made_by(device: str) -> dict[str, str]:
    """What computes the weights: training is not pinned, so others come to other digits."""
    if device.startswith("cuda"):
        return {"torch": torch.__version__, "processor": torch.cuda.get_device_name()}
    return {
        "torch": torch.__version__,
        "processor": f"{processor.name()}, {processor.model()}",
        "instructions": torch.backends.cpu.get_cpu_capability().lower(),
    }
