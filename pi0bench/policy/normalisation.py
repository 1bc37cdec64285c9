"""Normalisation: the one place where metres, radians and actions become network numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pi0bench.policy.keypoints import FEATURE_DIM, MOTION_DIM

_CENTRE_M = (0.50, 0.0, 0.08)
_SPREAD_M = (0.15, 0.18, 0.10)
_FAR_M, _NEAR_M, _MOVED_M = 0.20, 0.04, 0.01


def keypoint_dim(motion: bool) -> int:
    """Numbers of a normalised keypoint, of which it is known how it moves or not."""
    return FEATURE_DIM + 2 * 3 + MOTION_DIM * motion


def normalise_keypoints(features: Tensor, proprio: Tensor, motion: bool) -> Tensor:
    """Keypoints to numbers near 1, (B, S, keypoint_dim(motion)).

    They are as `Keypoints.features` gives them, (B, S, FEATURE_DIM), with motion followed by what
    `Keypoints.moved` gives, MOTION_DIM. The place relative to the tool enters at two scales,
    since a grasp is decided by millimetres and an approach by decimetres; the place from the base
    follows from it and from proprioception, (B, 13).
    """
    present, near, heading, error = features[..., :FEATURE_DIM].split([1, 3, 2, 1], dim=-1)
    moved = features[..., FEATURE_DIM:] if motion else features[..., :0]
    centre, spread = _row(_CENTRE_M, features), _row(_SPREAD_M, features)
    pos = (near + proprio[:, None, :3] - centre) / spread
    parts = (2 * present - 1, pos, near / _FAR_M, torch.tanh(near / _NEAR_M), heading)
    return torch.cat([*parts, 0.5 * (error + 4), moved / _MOVED_M], dim=-1)


def state_dim(lag: bool) -> int:
    """Numbers of a normalised state, of which it is told how far the hand lags or not."""
    return 10 + 3 * lag


def normalise_state(proprio: Tensor, lag: bool) -> Tensor:
    """Proprioception, (B, 13) as `Tabletop.proprio`, to numbers near 1, (B, state_dim(lag)).

    How far the hand lags behind where it is sent is left out where `lag` is false.
    """
    pos, rotation, width, behind = proprio.split([3, 6, 1, 3], dim=-1)
    centre, spread = _row(_CENTRE_M, proprio), _row(_SPREAD_M, proprio)
    parts = [(pos - centre) / spread, rotation, width / 0.02 - 2]
    return torch.cat([*parts, behind / 0.01] if lag else parts, dim=-1)


def normalise_points(cloud: Tensor) -> Tensor:
    """Positions (m) and colours in [0, 1], (B, N, 6), to numbers near 1, (B, N, 6)."""
    half = (0.5, 0.5, 0.5)
    return (cloud - _row(_CENTRE_M + half, cloud)) / _row(_SPREAD_M + half, cloud)


def _row(values: Sequence[float], like: Tensor) -> Tensor:
    """The values as a tensor of the same type, where `like` lies."""
    return _constant(tuple(values), like.dtype, like.device)


@lru_cache(maxsize=64)
def _constant(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    # Kept, since copying numbers to a GPU makes it wait, and cannot be part of a CUDA graph.
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=dtype, device=device)


@dataclass(frozen=True)
class ActionSpace:
    """What a head knows of the network numbers that it generates; A dimensions.

    Attributes:
        action_horizon: steps of a chunk, H.
        bounds: the numbers of the least and the greatest action, -1 and 1; (A,) each.
        quantiles: the 1st and 99th percentile of the numbers in the demonstrations; (A,) each.
    """

    action_horizon: int
    bounds: tuple[Tensor, Tensor]
    quantiles: tuple[Tensor, Tensor]

    @property
    def dim(self) -> int:
        """A, the dimensions of an action."""
        return len(self.bounds[0])


@dataclass(frozen=True)
class NormStats:
    """How actions become network numbers: a = mean + std · number; (7,) each.

    Attributes:
        mean: of the demonstrated actions.
        std: their standard deviation, with a floor.
        q01: their 1st percentile, or the mean less the floor.
        q99: their 99th percentile, or the mean and the floor.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    q01: tuple[float, ...]
    q99: tuple[float, ...]

    @staticmethod
    def of(actions: NDArray[np.float32], floor: float = 0.1) -> NormStats:
        """From expert actions (N, 7); what hardly varies is taken to vary by `floor`.

        Without that a constant would be divided by nothing, and its rare exceptions be cut off.
        """
        mean, std = actions.mean(axis=0), np.maximum(actions.std(axis=0), floor)
        low, high = np.quantile(actions, [0.01, 0.99], axis=0)
        rows = (mean, std, np.minimum(low, mean - floor), np.maximum(high, mean + floor))
        return NormStats(*(tuple(round(float(x), 4) for x in row) for row in rows))

    def space(self, action_horizon: int) -> ActionSpace:
        """What heads know of chunks of that many steps."""
        one = torch.ones(len(self.mean))
        quantiles = self.normalise(torch.tensor([self.q01, self.q99]))
        bounds = self.normalise(torch.stack([-one, one]))
        return ActionSpace(action_horizon, (bounds[0], bounds[1]), (quantiles[0], quantiles[1]))

    def normalise(self, actions: Tensor) -> Tensor:
        """Actions (…, 7) to network numbers."""
        return (actions - _row(self.mean, actions)) / _row(self.std, actions)

    def unnormalise(self, numbers: Tensor) -> Tensor:
        """Network numbers (…, 7) to actions."""
        return numbers * _row(self.std, numbers) + _row(self.mean, numbers)
