"""Skills that grip: pick, carry, put down, let go."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.controller import OPEN, SHUT
from pi0bench.envs.pose import Array
from pi0bench.envs.world_protocol import World
from pi0bench.task import predicates
from pi0bench.task.expert.motion import (
    TRAVEL_M,
    View,
    carried,
    funnel,
    move,
    raised,
    square_yaw,
)

_CLEAR_M = 0.085  # a carried cube passes a post at this distance between centres
_AWAY_M = 0.08  # a tool this far from an object has left it


def pick(view: View, item: str) -> Array:
    """Come down over the object with open fingers, square to it, and grip."""
    pose = view.world.pose(item)
    yaw = square_yaw(pose, view.world.scene.body(item).yaw_symmetry)
    error = yaw - view.goal.yaw_rad()
    there = np.abs(pose.pos_m - predicates.tcp_m(view.world)).max() < 0.010
    return move(view, funnel(view, pose.pos_m, yaw_error_rad=error), yaw, SHUT if there else OPEN)


def put_in(view: View, item: str, container: str) -> Array:
    """Carry the held object over the container and lower it below the rim."""
    body = view.world.scene.body(container)
    if body.interior is None:
        raise ValueError(f"{container} has no inside")
    link = predicates.link_pose(view.world, container, body.interior.link)
    deep = raised(body.interior.centre_m(link), 0.025)
    return move(view, carried(view, item, deep, floor_m=body.top_m + 0.02), 0.0, SHUT)


def put_on(view: View, item: str, base: str) -> Array:
    """Carry the held object over the base and lower it until it rests there."""
    support, body = view.world.scene.body(base), view.world.scene.body(item)
    rest = raised(view.world.pose(base).pos_m, support.top_m + body.bottom_m)
    return move(view, carried(view, item, rest), 0.0, SHUT)


def put_round(view: View, ring: str, peg: str) -> Array:
    """Carry the held ring over the peg and lower it, once it is well over it, half way down."""
    half = raised(view.world.pose(peg).pos_m, view.world.scene.body(peg).top_m / 2)
    point = carried(view, ring, half, floor_m=0.07, room_m=0.003)
    return move(view, point, 0.0, SHUT)


def carry_round(view: View, item: str, obstacle: str) -> Array:
    """Carry the held object past the obstacle: left or right as was drawn, then stay there."""
    post, cube = view.world.pose(obstacle).pos_m, view.world.pose(item).pos_m
    aside = cube[1] - post[1]
    committed = abs(aside) > 0.045
    side = np.sign(aside) if committed else (1.0 if view.expert_choice < 0.5 else -1.0)
    height = view.world.scene.body(obstacle).top_m - 0.025
    if cube[2] < height - 0.03:
        return move(view, np.array([*view.goal.pos_m[:2], height]), 0.0, SHUT)
    forward_m = post[0] - 0.09 if abs(aside) < _CLEAR_M - 0.01 else post[0] + 0.12
    return move(view, np.array([forward_m, post[1] + side * (_CLEAR_M + 0.01), height]), 0.0, SHUT)


def passed(world: World, item: str, obstacle: str) -> bool:
    """True when the object is held and the obstacle no longer stands before it."""
    gap = world.pose(item).pos_m - world.pose(obstacle).pos_m
    return bool(gap[0] > 0.06) and predicates.held(world, item)


def leave(view: View, item: str) -> Array:
    """Open the fingers, then rise."""
    opened = view.world.arm().width_m > 0.06 and predicates.released(view.world, item)
    up = TRAVEL_M + 0.03 if opened else view.goal.pos_m[2]
    return move(view, np.array([*view.goal.pos_m[:2], up]), 0.0, OPEN)


def left(world: World, item: str) -> bool:
    """True when the tool is well away from the object."""
    away = float(np.linalg.norm(predicates.tcp_m(world) - world.pose(item).pos_m))
    return away > _AWAY_M and predicates.released(world, item)
