"""A training on disk: written beside its place and moved there, so that no kill leaves half."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from pi0bench.errors import Pi0benchError, StorageError, UsageError
from pi0bench.files.atomic import replacing

CHECKPOINT = "checkpoint.safetensors"


@dataclass
class Training:
    """What a checkpoint holds: the states of these parts, and the rest as it is.

    Attributes:
        module: the network.
        average: of its weights.
        optimizers: that train it.
        schedules: of their learning rates.
        settings: whatever decides the result; a checkpoint of others is not taken up.
        loss: its running mean, a scalar where the network lies.
        step: steps taken.
        seconds: that they took.
    """

    module: nn.Module
    average: AveragedModel
    optimizers: list[torch.optim.Optimizer]
    schedules: list[LRScheduler]
    settings: dict[str, Any]
    loss: Tensor
    step: int = 0
    seconds: float = 0.0

    def _parts(self) -> dict[str, Any]:
        numbered = [*enumerate(self.optimizers), *enumerate(self.schedules)]
        several = {f"{type(part).__name__} {i}": part for i, part in numbered}
        return {"module": self.module, "average": self.average, **several}

    def store(self, path: Path) -> None:
        """Write the checkpoint beside its place and then move it there.

        Raises:
            Pi0benchError: the loss is not finite.
            StorageError: the file cannot be written.
        """
        if not math.isfinite(self.loss.item()):
            where = f"{path.parent}: the loss is not finite at step {self.step}"
            raise Pi0benchError(f"{where}; lower lr")
        whole = {
            **{"settings": self.settings, "step": self.step, "seconds": self.seconds},
            **{"loss": self.loss},
            "states": {name: part.state_dict() for name, part in self._parts().items()},
        }
        tensors: dict[str, Tensor] = {}
        about = {"training": json.dumps(_without_tensors(whole, tensors))}
        try:
            with replacing(path) as partial:
                partial.write_bytes(save(tensors, about))
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error}") from error

    def restore(self, path: Path) -> None:
        """Take up the checkpoint at `path`, if there is one.

        Raises:
            StorageError: it is broken.
            UsageError: it is of another training.
        """
        if not path.exists():
            return
        try:
            with safe_open(path, "pt", device="cpu") as file:
                tensors = {name: file.get_tensor(name) for name in list(file.keys())}
                stored = _with_tensors(json.loads(file.metadata()["training"]), tensors)
            settings, states = stored["settings"], stored["states"]
            found = states["module"].keys()
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise StorageError(
                f"{path}: cannot be read: {error}; delete it to start again"
            ) from error
        differ = [key for key, value in self.settings.items() if settings.get(key) != value]
        differ += sorted(found ^ self.module.state_dict().keys())
        if differ:
            raise UsageError(f"{path}: of another training ({', '.join(differ)}); delete it")
        for name, part in self._parts().items():
            part.load_state_dict(states[name])
        self.loss.copy_(stored["loss"])
        self.step, self.seconds = stored["step"], stored["seconds"]


def _without_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    """A state as JSON can hold it, its tensors put aside under numbers; keys may be numbers."""
    if isinstance(value, Tensor):
        number = str(len(tensors))
        tensors[number] = value.detach().cpu().clone().contiguous()
        return {"tensor": number}
    if isinstance(value, dict):
        return {"items": [[key, _without_tensors(x, tensors)] for key, x in value.items()]}
    if isinstance(value, list | tuple):
        return [_without_tensors(x, tensors) for x in value]
    return value


def _with_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The state that `_without_tensors` was given."""
    if isinstance(value, list):
        return [_with_tensors(x, tensors) for x in value]
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        return {key: _with_tensors(x, tensors) for key, x in value["items"]}
    return value
