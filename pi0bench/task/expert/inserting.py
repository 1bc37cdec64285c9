"""Skills that put a plug into a socket, however the socket stands, and leave it there."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.controller import OPEN, SHUT
from pi0bench.envs.pose import Array, rot_of, vector_of
from pi0bench.task import predicates
from pi0bench.task.expert.motion import View, slowed, steepness, turn_and_move

_HIGH_M = 0.09  # over its place in the socket, along the socket's axis, while the plug is far off
_LEVER_M = 0.03  # what a heading or slant that is wrong by a radian counts as being off
_ASIDE_M = 0.02  # a plug that is farther off the axis than this has to be higher than the rim
_RIM_M = 0.01  # by so much
_CLEAR_M = 0.16  # a plug as high as this is higher than any rim
_BACK_M = 0.10


def insert(
    view: View, plug: str, socket: str, *, room_m: float = 0.0005, slow_m: float = 0.0
) -> Array:
    """Turn the held plug as the socket stands, come over it along its axis, and go in.

    Of the turns after which the plug looks the same, it is the least. The plug goes down the axis
    as far as it is off it, beyond the first `room_m`. With `slow_m` the last so many metres are
    gone slowly.
    """
    own, there = view.world.pose(plug), view.world.pose(socket)
    body, hole = view.world.scene.body(plug), view.world.scene.body(socket)
    turn = _least_turn(own.rot, there.rot, body.yaw_symmetry)
    x, y, z = there.rot.T @ (own.pos_m - there.pos_m)
    off_m = float(np.hypot(x, y)) + _LEVER_M * _angle_rad(turn)
    high_m = body.bottom_m + float(np.clip(steepness(slow_m) * (off_m - room_m), 0, _HIGH_M))
    point = there.pos_m + there.rot @ np.array([0, 0, high_m])
    low = z < body.bottom_m + hole.top_m + _RIM_M and own.pos_m[2] < _CLEAR_M
    if low and off_m > _ASIDE_M:
        point = np.array([*own.pos_m[:2], _CLEAR_M + 0.04])
    left_m = float(np.linalg.norm(there.pos_m + there.rot[:, 2] * body.bottom_m - own.pos_m))
    aim = slowed(view, point + view.goal.pos_m - own.pos_m, left_m, slow_m)
    return turn_and_move(view, aim, turn @ view.goal.rot, SHUT)


def back_off(view: View, item: str) -> Array:
    """Open the fingers, then leave along the hand's own axis."""
    opened = view.world.arm().width_m > 0.06 and predicates.released(view.world, item)
    back = view.goal.rot @ np.array([0, 0, -_BACK_M if opened else 0.0])
    return turn_and_move(view, view.goal.pos_m + back, view.goal.rot, OPEN)


def _least_turn(rot: Array, to: Array, symmetry: int) -> Array:
    """The least rotation that brings a thing with so many equal headings there, (3, 3)."""
    alike = (to @ rot_of(np.array([0, 0, 2 * np.pi * i / symmetry])) for i in range(symmetry))
    return min((other @ rot.T for other in alike), key=_angle_rad)


def _angle_rad(rot: Array) -> float:
    return float(np.linalg.norm(vector_of(rot)))
