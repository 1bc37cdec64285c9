"""What eyes say of the things they know, and what of it a policy gets.

Letters: B observations, C cameras, S keypoints.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pi0bench.policy.tool_frame import from_hand, from_tool

FEATURE_DIM = 1 + 3 + 2 + 1
"""Presence, place, heading and the logarithm of the place's expected error."""
MOTION_DIM = 3
MOST_KEYPOINTS = 12
"""More than any scene of the benchmark has."""


@dataclass(frozen=True)
class Keypoints:
    """What pictures say of each keypoint.

    Attributes:
        present: logit that it is in the scene, (B, S).
        pos_m: in the base frame, (B, S, 3).
        from_tool_m: in the tool's heading frame, origin at the tool, (B, S, 3).
        in_hand_m: in the hand's own frame, as what is held stays, (B, S, 3).
        heading: cosine and sine of the heading relative to the hand times the thing's symmetry
            (four for a cube), (B, S, 2).
        log_error: logarithm of the expected error of each of these three places, metres, (B, S, 3).
        pixel: centre in each picture, right and down, the frame is [-1, 1], (B, S, C, 2).
    """

    present: Tensor
    pos_m: Tensor
    from_tool_m: Tensor
    in_hand_m: Tensor
    heading: Tensor
    log_error: Tensor
    pixel: Tensor

    def features(self, proprio: Tensor) -> Tensor:
        """What a policy gets of each keypoint, (B, S, FEATURE_DIM).

        Its presence, its place from the tool (see `place_from_tool`), its heading, and the
        logarithm of the place's expected error.
        """
        present = torch.sigmoid(self.present)[..., None]
        near, error = self.place_from_tool(proprio)
        return torch.cat([present, near, self.heading, error], dim=-1)

    def place_from_tool(self, proprio: Tensor) -> tuple[Tensor, Tensor]:
        """Where it is from the tool along the base's axes, as actions lead, (B, S, 3).

        `pos_m` is good where the front camera sees the thing, `from_tool_m` where the wrist's
        does, `in_hand_m` where the hand holds it; each says how far to trust it, and they are
        weighted by their precision.

        Returns:
            The place, m, and the logarithm of its expected error, (B, S, 1).
        """
        wrist, hand = from_tool(self.from_tool_m, proprio), from_hand(self.in_hand_m, proprio)
        errors = self.log_error.split(1, dim=-1)
        place, error = self.pos_m, errors[0]
        for other, its in zip((wrist, hand), errors[1:], strict=True):
            place = torch.lerp(place, other, (2 * (error - its)).sigmoid())
            error = -0.5 * torch.cat([-2 * error, -2 * its], -1).logsumexp(-1, keepdim=True)
        return place - proprio[:, None, :3], error

    def rows(self, chosen: NDArray[np.intp]) -> Keypoints:
        """Those of some observations."""
        at = torch.from_numpy(chosen)
        return Keypoints(**{name: x[at] for name, x in vars(self).items()})

    def moved(self, before: Keypoints) -> Tensor:
        """How far each keypoint has come since, in the base frame, (B, S, MOTION_DIM).

        What the hand holds does not move by itself: its way counts the less, the surer its place
        in the hand is.
        """
        held = (-2 * self.log_error).softmax(-1)[..., 2:]
        return (self.pos_m - before.pos_m) * (1 - held)


def likeliest(present: Tensor, most: int) -> Tensor:
    """The numbers of the keypoints likeliest to be there, in their order, (B, at most `most`).

    Args:
        present: how likely each is there, (B, S).
        most: how many are kept.
    """
    return present.argsort(dim=1, descending=True, stable=True)[:, :most].sort(dim=1).values
