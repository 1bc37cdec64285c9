"""What a published checkpoint is, once it is opened, in whichever layout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.errors import UsageError
from pi0bench.pi0.checkpoint_file import CheckpointFile
from pi0bench.pi0.feature_transforms import Transforms
from pi0bench.pi0.variants import Variant

WEIGHTS = "model.safetensors"
CAMERAS = ("base_0_rgb", "left_wrist_0_rgb", "right_wrist_0_rgb")
"""Those of openpi's models."""


@dataclass(frozen=True)
class Told:
    """What openpi's layout does not say of a checkpoint, as the mapping's `[checkpoint]` does.

    Attributes:
        action_horizon: steps of a chunk.
        normalisation: "z_score", as of π0, or "quantile", as of π0.5.
        delta: which of the actions are differences to the state.
        state_in_words: whether π0.5 is told its state in words; pi05_libero is not.
        tokenizer: PaliGemma's tokenizer.model, from the mapping on.
        asset: the folder of assets/ whose statistics count, where there are several.
    """

    action_horizon: int = 50
    normalisation: str = "z_score"
    delta: Sequence[bool] = ()
    state_in_words: bool = True
    tokenizer: str = "tokenizer.model"
    asset: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """An opened folder, of whose weights nothing has been read yet.

    Attributes:
        layout: "openpi" or "LeRobot".
        file: its weights.
        variant: the model's sizes.
        cameras: names of its pictures, in their order.
        transforms: between a robot's numbers and its own.
        state_in_words: whether its prompts tell the state.
    """

    layout: str
    file: CheckpointFile
    variant: Variant
    cameras: tuple[str, ...]
    transforms: Transforms = field(repr=False)
    state_in_words: bool = False

    @property
    def summary(self) -> str:
        """One line: what was found."""
        of, actions = self.transforms, self.transforms.actions
        delta = sum(of.delta)
        deltas = f"{delta} of {len(actions.low)} actions from the state" if delta else "no deltas"
        return (
            f"{self.layout}'s layout, {self.variant.name}, "
            f"{self.variant.action_horizon} steps a chunk, "
            f"{len(of.state.low)} numbers of state and {len(actions.low)} of action by "
            f"{actions.mode}, {deltas}, cameras {', '.join(self.cameras)}"
        )


def statistic(numbers: Any) -> NDArray[np.float64]:
    """Statistics of a state or an action, (N,).

    Raises:
        ValueError: they are no finite numbers in a row.
    """
    row = np.asarray(numbers, np.float64)
    if row.ndim != 1 or not np.isfinite(row).all():
        raise ValueError(f"finite numbers in a row would work, not {row.shape}")
    return row


def read_json(path: Path) -> dict[str, Any]:
    """An object in a file.

    Raises:
        UsageError: there is none.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path}: an object would work")
    return found
