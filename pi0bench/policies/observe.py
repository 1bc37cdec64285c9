"""Normalisation: the one place where metres, radians and actions become network numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TOKEN_DIM = 14
_CENTRE_M = (0.50, 0.0, 0.08)
_SPREAD_M = (0.15, 0.18, 0.10)
_FAR_M, _NEAR_M = 0.20, 0.04


def tokens(features: Tensor) -> Tensor:
    """What the eyes say of each look, (B, S, 11) as `Seen.features`, to numbers near 1, (B, S, 14).

    The place relative to the tool enters at two scales, since a grasp is decided by millimetres
    and an approach by decimetres.
    """
    present, pos, near, turn, error = features.split([1, 3, 3, 2, 2], dim=-1)
    centre, spread = features.new_tensor(_CENTRE_M), features.new_tensor(_SPREAD_M)
    parts = (2 * present - 1, (pos - centre) / spread, near / _FAR_M)
    return torch.cat([*parts, torch.tanh(near / _NEAR_M), turn, 0.5 * (error + 4)], dim=-1)


def state(proprio: Tensor) -> Tensor:
    """What the robot feels, (B, 10) as `Tabletop.proprio`, to numbers near 1, (B, 10)."""
    pos, heading, tilt, width, lag = proprio.split([3, 2, 1, 1, 3], dim=-1)
    centre, spread = proprio.new_tensor(_CENTRE_M), proprio.new_tensor(_SPREAD_M)
    return torch.cat(
        [(pos - centre) / spread, heading, tilt / 0.1, width / 0.02 - 2, lag / 0.01], dim=-1
    )


@dataclass(frozen=True)
class ActionScale:
    """Mean and scale of each action dimension, (7,): a = mean + scale · network."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]

    @staticmethod
    def of(actions: NDArray[np.float32], floor: float = 0.1) -> ActionScale:
        """From expert actions (N, 7); no scale is below `floor`, since constants would explode."""
        scale = np.maximum(actions.std(axis=0), floor)
        rows = (actions.mean(axis=0), scale)
        mean, spread = (tuple(round(float(x), 4) for x in row) for row in rows)
        return ActionScale(mean, spread)

    def normalise(self, actions: Tensor) -> Tensor:
        """Actions (…, 7) to network numbers."""
        return (actions - actions.new_tensor(self.mean)) / actions.new_tensor(self.scale)

    def restore(self, numbers: Tensor) -> Tensor:
        """Network numbers (…, 7) to actions."""
        return numbers * numbers.new_tensor(self.scale) + numbers.new_tensor(self.mean)
