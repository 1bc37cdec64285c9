"""What weights say of how they were made: card, code, data, seed and learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from pi0bench.machine import processor
from pi0bench.policy.weights_file import digest
from pi0bench.version import version


def recipe(
    card: Path,
    seed: int,
    data: Sequence[Path],
    curve: Sequence[tuple[int, float]],
    head: Sequence[Path] = (),
    measured: Mapping[str, Sequence[tuple[int, float]]] | None = None,
) -> dict[str, Any]:
    """How weights were made, for whoever finds them without their folder.

    Args:
        card: its file.
        seed: of the training.
        data: the files that were learned from.
        curve: steps and running mean losses.
        head: the file of a head of others, if it has one.
        measured: what was measured while training by its name, steps and values.
    """
    found = {
        "card": card.read_text("utf-8"),
        "version": version(),
        "data": digest(*data),
        "seed": seed,
        "learning_curve": curve,
    }
    more = {"head": digest(*head)} if head else {}
    return {**found, **more, **({"measured": measured} if measured else {})}


def made_by(device: str) -> dict[str, str]:
    """What computes the weights: training is not pinned, so others come to other digits."""
    if device.startswith("cuda"):
        return {"torch": torch.__version__, "processor": torch.cuda.get_device_name()}
    return {
        "torch": torch.__version__,
        "processor": f"{processor.name()}, {processor.model()}",
        "instructions": torch.backends.cpu.get_cpu_capability().lower(),
    }
