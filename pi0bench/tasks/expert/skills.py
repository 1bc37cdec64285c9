"""The expert's skills: what to do now, and when it is done. Each is a function of the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.world import World
from pi0bench.tasks import predicates
from pi0bench.tasks.expert.motion import (
    OPEN,
    SHUT,
    TRAVEL_M,
    View,
    carried,
    funnel,
    move,
    square_yaw,
)

_TIP_M = 0.0086  # the fingers end this far beyond the tool centre point
_CLEAR_M = 0.085  # a carried cube passes a post at this distance between centres


@dataclass(frozen=True)
class Skill:
    """What to do: `act(view, …) -> action (7,)`, until `done(world, …)`."""

    act: Callable[..., Array]
    done: Callable[..., bool]


def touch(view: View, item: str) -> Array:
    """Press the shut fingers on the top of the object."""
    pose = view.world.pose(item)
    top = _raised(pose, view.world.scene.body(item).top_m + _TIP_M - 0.004)
    return move(view, funnel(view, top), 0.0, SHUT)


def pick(view: View, item: str) -> Array:
    """Come down over the object with open fingers, square to it, and grip."""
    pose = view.world.pose(item)
    yaw = square_yaw(pose)
    error = yaw - view.goal.yaw_rad()
    there = np.abs(pose.pos_m - predicates.tcp_m(view.world)).max() < 0.010
    return move(view, funnel(view, pose.pos_m, yaw_error_rad=error), yaw, SHUT if there else OPEN)


def put_in(view: View, item: str, container: str) -> Array:
    """Carry the held object over the container and lower it below the rim."""
    depth = _raised(view.world.pose(container), 0.040)
    return move(view, carried(view, item, depth), 0.0, SHUT)


def put_on(view: View, item: str, base: str) -> Array:
    """Carry the held object over the base and lower it until it rests there."""
    support, body = view.world.scene.body(base), view.world.scene.body(item)
    rest = _raised(view.world.pose(base), support.top_m + body.rest_m)
    return move(view, carried(view, item, rest), 0.0, SHUT)


def carry_round(view: View, item: str, obstacle: str) -> Array:
    """Carry the held object past the obstacle: left or right as the coin fell, then stay there."""
    post, cube = view.world.pose(obstacle).pos_m, view.world.pose(item).pos_m
    aside = cube[1] - post[1]
    committed = abs(aside) > 0.045
    side = np.sign(aside) if committed else (1.0 if view.coin < 0.5 else -1.0)
    height = view.world.scene.body(obstacle).top_m - 0.025
    if cube[2] < height - 0.03:
        return move(view, np.array([*view.goal.pos_m[:2], height]), 0.0, SHUT)
    forward_m = post[0] - 0.09 if abs(aside) < _CLEAR_M - 0.01 else post[0] + 0.12
    return move(view, np.array([forward_m, post[1] + side * (_CLEAR_M + 0.01), height]), 0.0, SHUT)


def passed(world: World, item: str, obstacle: str) -> bool:
    """True when the object is held and the obstacle no longer stands before it."""
    gap = world.pose(item).pos_m - world.pose(obstacle).pos_m
    return bool(gap[0] > 0.06) and predicates.held(world, item)


def retreat(view: View) -> Array:
    """Open the fingers, then rise."""
    arm = view.world.arm()
    touching = any(predicates.touching(view.world, name) for name in view.world.scene.free_names)
    opened = arm.width_m > 0.06 and not touching
    up = TRAVEL_M + 0.03 if opened else view.goal.pos_m[2]
    return move(view, np.array([*view.goal.pos_m[:2], up]), 0.0, OPEN)


def _raised(pose: Pose, height_m: float) -> Array:
    return pose.pos_m + np.array([0, 0, height_m])


def stacked(world: World, item: str, base: str) -> bool:
    """True when the object rests on the base."""
    return predicates.on(world, item, base)


def _never(world: World, item: str = "") -> bool:
    return False


SKILLS: dict[str, Skill] = {
    "carry_round": Skill(carry_round, passed),
    "pick": Skill(pick, predicates.held),
    "put_in": Skill(put_in, predicates.inside),
    "put_on": Skill(put_on, stacked),
    "retreat": Skill(retreat, _never),
    "touch": Skill(touch, _never),
}
