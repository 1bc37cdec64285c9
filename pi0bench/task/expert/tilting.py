"""Skills that tilt the hand sideways: pour from a cup, and stand a bar up."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.controller import SHUT
from pi0bench.envs.pose import Array, downward, rot_of
from pi0bench.task.expert.motion import View, move, turn_and_move

_ACROSS_RAD = -np.pi / 2  # one finger ahead and one behind: the heading that tilts sideways freely
_MOUTH_M = 0.030  # from the tool to the mouth of a tipped cup, towards the palm
_POUR_M = 0.17  # height of the tool that pours
_THERE_M = 0.03
_TURN_RAD = 0.12  # of a tilt in a control step
_LYING_RAD = 1.2  # a bar that is farther from upright has to be off the table before it turns
_LIFT_M = 0.08
_SLOPE_M = 0.12  # height over the table for each radian from upright


def pour(view: View, cup: str, bowl: str, *, tilt_deg: float = 100.0) -> Array:
    """Carry the held cup beside the bowl, and tip it sideways so that its mouth is over it."""
    own, there = view.world.pose(cup).pos_m, view.world.pose(bowl).pos_m
    spot = np.array([there[0], there[1] + _MOUTH_M, _POUR_M])
    off_m = float(np.linalg.norm((view.goal.pos_m - spot)[:2]))
    if own[2] < 0.10 and off_m > _THERE_M:
        return move(view, np.array([*view.goal.pos_m[:2], _POUR_M + 0.01]), _ACROSS_RAD, SHUT)
    now_rad = float(np.arccos(np.clip(-view.goal.rot[2, 2], -1, 1)))
    wanted_rad = np.radians(tilt_deg) if off_m < _THERE_M else 0.0
    tilt_rad = float(np.clip(wanted_rad, now_rad - _TURN_RAD, now_rad + _TURN_RAD))
    rot = rot_of(np.array([tilt_rad, 0, 0])) @ downward(_ACROSS_RAD)
    return turn_and_move(view, spot, rot, SHUT)


def stand_up(view: View, item: str) -> Array:
    """Turn the held object until its z axis is upright, and set it down on the end it is nearer to.

    A lying one is turned so that the hand comes to point away from the middle of the table.
    """
    own, body = view.world.pose(item), view.world.scene.body(item)
    axis = own.rot[:, 2]
    lying = abs(axis[2]) < 0.15
    outward = np.sign(own.pos_m[1]) * np.sign(axis[1])
    up = np.array([0, 0, outward if lying else np.sign(axis[2])])
    across = np.cross(axis, up)
    size = float(np.linalg.norm(across))
    left_rad = float(np.arctan2(size, axis @ up))
    if left_rad > _LYING_RAD and own.pos_m[2] < body.bottom_m + _LIFT_M / 2:
        turn, lift_m = np.eye(3), _LIFT_M
    else:
        turn = rot_of(across / max(size, 1e-9) * left_rad)
        lift_m = float(np.clip(_SLOPE_M * (left_rad - 0.02), 0, _LIFT_M))
    point = np.array([*own.pos_m[:2], body.bottom_m + lift_m])
    return turn_and_move(view, point + view.goal.pos_m - own.pos_m, turn @ view.goal.rot, SHUT)
