"""Skills that grip: pick, carry, put down, let go."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.controller import OPEN, SHUT
from pi0bench.envs.pose import Array
from pi0bench.task import predicates
from pi0bench.task.expert.motion import (
    TRAVEL_M,
    View,
    carried,
    funnel,
    move,
    raised,
    slowed,
    square_yaw,
    steepness,
)
from pi0bench.task.expert.moving_things import along_m_s, met_m

_CLEAR_M = 0.15  # a carried thing passes a wall at this distance, for the hand is 20 cm wide
_CARRY_M = 0.09  # height of the tool that carries past a wall
_NEAR_M, _MIDDLE_M = 0.010, 0.003  # from a thing's middle, where fingers shut
_ROOM_M, _LITTLE_ROOM_M = 0.006, 0.001


def pick(view: View, item: str, *, yaw_deg: float = 0.0, slow_m: float = 0.0) -> Array:
    """Come down over the object with open fingers, square to it but for `yaw_deg`, and grip.

    What moves is met where it will be, and gone along with. With `slow_m` the last so many metres
    are gone slowly, and it is gripped at its middle.
    """
    pose = view.world.pose(item)
    yaw = square_yaw(pose, view.world.scene.body(item).yaw_symmetry) + np.radians(yaw_deg)
    error = yaw - view.goal.yaw_rad()
    away_m = pose.pos_m - predicates.tcp_m(view.world)
    there = np.abs(away_m).max() < (_MIDDLE_M if slow_m else _NEAR_M)
    room_m, slope = _LITTLE_ROOM_M if slow_m else _ROOM_M, steepness(slow_m)
    above = funnel(view, met_m(view, item), yaw_error_rad=error, room_m=room_m, slope=slope)
    point = slowed(view, above, float(np.linalg.norm(away_m)), slow_m)
    return move(view, point, yaw, SHUT if there else OPEN, along_m_s(view.world, item))


def put_in(view: View, item: str, container: str, *, aside_m: float = 0.0) -> Array:
    """Carry the held object over the container, `aside_m` off its middle, and lower it in.

    Aside is along the container's y axis; the object is lowered below the rim.
    """
    body = view.world.scene.body(container)
    if body.interior is None:
        raise ValueError(f"{container} has no inside")
    link = predicates.link_pose(view.world, container, body.interior.link)
    aside = link.rot @ np.array([0.0, aside_m, 0.025])
    deep = body.interior.centre_m(link) + aside
    return move(view, carried(view, item, deep, floor_m=body.top_m + 0.02), 0.0, SHUT)


def put_on(
    view: View, item: str, base: str, *, room_m: float = _ROOM_M, slow_m: float = 0.0
) -> Array:
    """Carry the held object over the base and lower it, once well over it, until it rests there.

    With `slow_m` the last so many metres are gone slowly.
    """
    support, body = view.world.scene.body(base), view.world.scene.body(item)
    rest = raised(met_m(view, base), support.top_m + body.bottom_m)
    point = _lowered(view, item, rest, slow_m, room_m=room_m)
    return move(view, point, 0.0, SHUT, along_m_s(view.world, base))


def put_round(
    view: View, ring: str, peg: str, *, room_m: float = 0.0005, slow_m: float = 0.0
) -> Array:
    """Carry the held ring over the peg and lower it, once it is well over it, half way down.

    With `slow_m` the last so many metres are gone slowly.
    """
    half = raised(view.world.pose(peg).pos_m, view.world.scene.body(peg).top_m / 2)
    return move(view, _lowered(view, ring, half, slow_m, floor_m=0.07, room_m=room_m), 0.0, SHUT)


def _lowered(view: View, item: str, place_m: Array, slow_m: float, **how: float) -> Array:
    """See `carried`; the last `slow_m` metres are gone slowly."""
    point = carried(view, item, place_m, slope=steepness(slow_m), **how)
    left_m = float(np.linalg.norm(place_m - view.world.pose(item).pos_m))
    return slowed(view, point, left_m, slow_m)


def carry_past(view: View, item: str, obstacle: str) -> Array:
    """Carry the held object past one that is too tall: aside first, as was drawn, then ahead.

    Whoever is on one side stays there.
    """
    wall, cube = view.world.pose(obstacle).pos_m, view.world.pose(item).pos_m
    aside = cube[1] - wall[1]
    side = np.sign(aside) if abs(aside) > 0.06 else (1.0 if view.expert_choice < 0.5 else -1.0)
    if cube[2] < _CARRY_M - 0.04:
        return move(view, np.array([*view.goal.pos_m[:2], _CARRY_M]), 0.0, SHUT)
    beside = abs(aside) > _CLEAR_M - 0.015
    ahead_m = wall[0] + 0.16 if beside else min(cube[0], wall[0] - 0.12)
    return move(view, np.array([ahead_m, wall[1] + side * _CLEAR_M, _CARRY_M]), 0.0, SHUT)


def leave(view: View, item: str) -> Array:
    """Open the fingers, then rise; along with what the object lies on, if that moves."""
    opened = view.world.arm().width_m > 0.06 and predicates.released(view.world, item)
    up = TRAVEL_M + 0.03 if opened else view.goal.pos_m[2]
    point = np.array([*view.goal.pos_m[:2], up])
    return move(view, point, 0.0, OPEN, along_m_s(view.world, item))
