"""A training on disk: written beside its place and moved there, so that no kill leaves half."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from pi0bench.errors import Pi0benchError, StorageError, UsageError
from pi0bench.files.atomic import replacing

CHECKPOINT = "checkpoint.safetensors"

_STATE = ("step", "exp_avg", "exp_avg_sq"), ("momentum",)  # AdamW's, Muon's


@dataclass
class Training:
    """What a checkpoint holds."""

    module: nn.Module
    optimizers: list[torch.optim.Optimizer]
    settings: dict[str, Any]
    device: str
    ema: dict[str, Tensor] = field(default_factory=dict)
    loss: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    step: int = 0
    seconds: float = 0.0


def store(run: Training, path: Path) -> None:
    """Write the checkpoint beside its place and then move it there."""
    if not math.isfinite(run.loss.item()):
        raise Pi0benchError(f"{path.parent}: the loss is not finite at step {run.step}; lower lr")
    tensors = {f"model/{name}": x for name, x in run.module.state_dict().items()}
    tensors |= {f"ema/{name}": x for name, x in run.ema.items()} | {"loss": run.loss}
    for name, parameter in run.module.named_parameters():
        for optimizer in run.optimizers:
            for key, x in optimizer.state.get(parameter, {}).items():
                tensors[f"{key}/{name}"] = x
    copies = {name: x.detach().cpu().clone().contiguous() for name, x in tensors.items()}
    about = {"step": run.step, "seconds": run.seconds, "settings": run.settings}
    try:
        with replacing(path) as partial:
            partial.write_bytes(save(copies, {"fit": json.dumps(about)}))
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error}") from error


def restore(run: Training, path: Path) -> None:
    """Take up the checkpoint at `path`, if there is one."""
    if not path.exists():
        return
    try:
        with safe_open(path, "pt", device="cpu") as file:
            about = json.loads(file.metadata()["fit"])
            stored = {name: file.get_tensor(name).to(run.device) for name in list(file.keys())}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read: {error}; delete it to start again") from error
    differ = [k for k, v in run.settings.items() if about["settings"].get(k) != v]
    names = {name.removeprefix("model/") for name in stored if name.startswith("model/")}
    differ += sorted(names ^ set(run.ema))
    if differ:
        raise UsageError(f"{path}: of another training ({', '.join(differ)}); delete it")
    run.module.load_state_dict({name: stored[f"model/{name}"] for name in run.ema})
    run.ema = {name: stored[f"ema/{name}"] for name in run.ema}
    run.loss, run.step, run.seconds = stored["loss"], about["step"], about["seconds"]
    for name, parameter in run.module.named_parameters():
        for optimizer, keys in zip(run.optimizers, _STATE, strict=False):
            if f"{keys[0]}/{name}" in stored:
                optimizer.state[parameter] = {k: stored[f"{k}/{name}"] for k in keys}
