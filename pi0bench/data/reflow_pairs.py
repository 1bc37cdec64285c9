"""Pairs for reflow: for each observation some noise and the chunk that a teacher makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Generator

from pi0bench.data.array_files import write
from pi0bench.data.training_arrays import Chunks
from pi0bench.policy.card import read as read_card
from pi0bench.policy.network_loader import load_network
from pi0bench.policy.policy_folders import folders

TEACHER_STEPS, TEACHER_SOLVER = 10, "heun"
_BATCH, _GPU_BATCH = 256, 8192


def pairs(
    features: Path,
    teacher: str,
    out: Path,
    *,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Let the teacher answer every window of a features file once, by ten Heun steps.

    The file written is one of features whose `actions` are the teacher's, of which all steps count,
    and whose `noise`, (N, H, 7), is what it made them from.

    Source: Liu et al. 2023 ("rectified flow"), section 2.3.
    """
    home = folders()[teacher]
    card = read_card(home)
    network = load_network(home, card)[0].to(device)
    data = Chunks(features, card.text.length)
    shape = data.arrays["actions"].shape
    noise = torch.randn(shape, generator=Generator().manual_seed(seed))
    actions = np.empty(shape, np.float32)
    with torch.inference_mode():
        size = _BATCH if device == "cpu" else _GPU_BATCH
        for start in range(0, len(data), size):
            rows = np.arange(start, min(start + size, len(data)))
            batch = {name: x.to(device) for name, x in data.gather(rows).items()}
            own = noise[start : start + len(rows)].to(device)
            encoded = network.encode(batch)
            made = network.sample(encoded, lambda own=own: own, TEACHER_STEPS, TEACHER_SOLVER)
            actions[rows] = made.actions.cpu().numpy()
            if progress:
                progress(int(rows[-1]) + 1, len(data))
    about = {**data.about, "teacher": teacher}
    changed = {"actions": actions, "noise": noise.numpy(), "valid": np.ones(shape[:2], bool)}
    return write(out, {**data.arrays, **changed}, about)
