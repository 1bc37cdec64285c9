"""A training on disk: written beside its place and moved there, so that no kill leaves half."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.swa_utils import AveragedModel

from pi0bench.errors import Pi0benchError, StorageError, UsageError
from pi0bench.files.atomic import replacing

CHECKPOINT = "checkpoint.pt"


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
        plain = {"settings": self.settings, "step": self.step, "seconds": self.seconds}
        states = {name: part.state_dict() for name, part in self._parts().items()}
        try:
            with replacing(path) as partial:
                torch.save({**plain, "loss": self.loss, "states": states}, partial)
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
            stored = torch.load(path, map_location=self.loss.device, weights_only=True)
            settings, states = stored["settings"], stored["states"]
            found = states["module"].keys()
        except (OSError, EOFError, RuntimeError, UnpicklingError, KeyError, TypeError) as error:
            raise StorageError(
                f"{path}: cannot be read: {error}; delete it to start again"
            ) from error
        differ = [key for key, value in self.settings.items() if settings.get(key) != value]
        differ += sorted(found ^ self.module.state_dict().keys())
        if differ:
            raise UsageError(f"{path}: of another training ({', '.join(differ)}); delete it")
        for name, part in self._parts().items():
            part.load_state_dict(states[name])
        self.loss, self.step, self.seconds = stored["loss"], stored["step"], stored["seconds"]
