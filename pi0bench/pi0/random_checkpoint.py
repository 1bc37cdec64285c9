"""A checkpoint of random weights, in either layout: for latency, and for tests of the loader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Generator, Tensor

from pi0bench.pi0.checkpoint import CAMERAS, WEIGHTS, Checkpoint
from pi0bench.pi0.checkpoint_file import LEROBOT, CheckpointFile
from pi0bench.pi0.checkpoint_names import published_shapes, sources
from pi0bench.pi0.feature_transforms import Normalisation, Transforms
from pi0bench.pi0.pi0_network import Pi0Network
from pi0bench.pi0.variants import Variant

_STATE, _ACTION = 13, 7  # numbers of this benchmark's robot
_POOL = 1 << 20  # so many numbers are drawn and then repeated: three billion would take minutes


def random_tensors(variant: Variant, dtype: torch.dtype) -> dict[str, Tensor]:
    """Weights under openpi's names: normal numbers over the root of a row's length."""
    pool = torch.randn(_POOL, generator=Generator().manual_seed(0))
    made: dict[str, Tensor] = {}
    for name, shape in published_shapes(variant).items():
        count = torch.Size(shape).numel()
        scale = (count // shape[0]) ** -0.5 if len(shape) > 1 else 0.1
        unit = (scale * pool).to(dtype)
        made[name] = unit.repeat(-(-count // _POOL))[:count].view(shape)
    return made


def unwritten(variant: Variant) -> Checkpoint:
    """A checkpoint that changes no number and is in no file."""
    state, actions = (Normalisation("identity", np.zeros(n), np.ones(n)) for n in (_STATE, _ACTION))
    file = CheckpointFile(Path("random"), {}, {})
    return Checkpoint(
        "nobody", file, variant, CAMERAS, Transforms(state, actions), variant.adaptive
    )


def random_network(variant: Variant, device: str, dtype: torch.dtype) -> Pi0Network:
    """A network with random weights."""
    tensors = random_tensors(variant, dtype)
    with torch.device("meta"):
        network = Pi0Network(variant)
    own = {name: of.read(tensors.__getitem__).to(device) for name, of in sources(variant).items()}
    network.load_state_dict(own, assign=True)
    return network.eval().requires_grad_(False)


def write(folder: Path, variant: Variant, layout: str, dtype: torch.dtype) -> Path:
    """Write a folder as openpi or LeRobot does; its statistics change no number.

    The robot is this benchmark's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    prefix = LEROBOT if layout == "LeRobot" else ""
    tensors = {f"{prefix}{name}": x for name, x in random_tensors(variant, dtype).items()}
    save_file(tensors, folder / WEIGHTS)
    (_lerobot if prefix else _openpi)(folder, variant)
    return folder


def _openpi(folder: Path, variant: Variant) -> None:
    stats = {
        name: {"mean": [0.0] * n, "std": [1.0] * n, "q01": [-1.0] * n, "q99": [1.0] * n}
        for name, n in (("state", _STATE), ("actions", _ACTION))
    }
    home = folder / "assets" / "pi0bench"
    home.mkdir(parents=True, exist_ok=True)
    _write(home / "norm_stats.json", {"norm_stats": stats})


def _lerobot(folder: Path, variant: Variant) -> None:
    side = [3, variant.vision.side, variant.vision.side]
    looks = {f"observation.images.{name}": {"type": "VISUAL", "shape": side} for name in CAMERAS}
    state = {"observation.state": {"type": "STATE", "shape": [_STATE]}}
    modes = {"VISUAL": "IDENTITY", "STATE": "MEAN_STD", "ACTION": "MEAN_STD"}
    config = {
        "type": "pi0",
        "chunk_size": variant.action_horizon,
        "input_features": {**looks, **state},
        "output_features": {"action": {"type": "ACTION", "shape": [_ACTION]}},
        "normalization_mapping": modes,
    }
    _write(folder / "config.json", config)
    stats = {"observation.state": _STATE, "action": _ACTION}
    for name, step in (("pre", "normalizer_processor"), ("post", "unnormalizer_processor")):
        state_file = f"policy_{name}processor_step_0_{step}.safetensors"
        rows = {
            f"{feature}.{of}": torch.full((n,), value)
            for feature, n in stats.items()
            for of, value in (("mean", 0.0), ("std", 1.0))
        }
        save_file(rows, folder / state_file)
        steps = [{"registry_name": step, "config": {}, "state_file": state_file}]
        _write(folder / f"policy_{name}processor.json", {"name": name, "steps": steps})


def _write(path: Path, value: Mapping[str, object]) -> None:
    path.write_text(json.dumps(value, indent=1), "utf-8")
