"""Questions that tasks ask of a world, answered from poses, joints and contacts alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pi0bench.envs.panda import FINGERS, forward
from pi0bench.envs.pose import Array
from pi0bench.envs.world import World


def tcp_m(world: World) -> Array:
    """Measured position of the tool centre point, (3,)."""
    return forward(world.arm().q_rad).pos_m


def apart_m(world: World, a: str, b: str) -> float:
    """Horizontal distance between the frames of two objects."""
    return float(np.linalg.norm((world.pose(a).pos_m - world.pose(b).pos_m)[:2]))


def near(world: World, item: str, *, reach_m: float = 0.05) -> bool:
    """True when the tool is within `reach_m` of the object's centre."""
    return float(np.linalg.norm(tcp_m(world) - world.pose(item).pos_m)) < reach_m


def touching(world: World, item: str) -> bool:
    """True when a finger touches the object."""
    return any(world.contact(item, finger) for finger in FINGERS)


def held(world: World, item: str) -> bool:
    """True when both fingers touch the object and it is between them."""
    return near(world, item, reach_m=0.03) and all(world.contact(item, f) for f in FINGERS)


def released(world: World, item: str) -> bool:
    """True when no finger touches the object."""
    return not touching(world, item)


def above(world: World, upper: str, lower: str, *, slack_m: float = 0.03) -> bool:
    """True when `upper` is over `lower`: centres within `slack_m` and not below its top."""
    top = world.pose(lower).pos_m[2] + world.scene.body(lower).top_m
    return apart_m(world, upper, lower) < slack_m and bool(world.pose(upper).pos_m[2] > top)


def on(world: World, upper: str, lower: str, *, slack_m: float = 0.005) -> bool:
    """True when `upper` rests on `lower`: its centre over it, its underside at its top."""
    base, body = world.scene.body(lower), world.scene.body(upper)
    gap = world.pose(upper).pos_m[2] - body.rest_m - world.pose(lower).pos_m[2] - base.top_m
    over = apart_m(world, upper, lower) < 0.7 * base.radius_m
    return over and bool(abs(gap) < slack_m)


def inside(world: World, item: str, container: str) -> bool:
    """True when the object's centre is within the container's wall and below its rim."""
    rim = world.pose(container).pos_m[2] + world.scene.body(container).top_m
    near_axis = apart_m(world, item, container) < 0.6 * world.scene.body(container).radius_m
    return near_axis and bool(world.pose(item).pos_m[2] < rim)


def beyond(world: World, item: str, obstacle: str) -> bool:
    """True when the object is farther from the robot's base than the obstacle."""
    return bool(world.pose(item).pos_m[0] > world.pose(obstacle).pos_m[0])


PREDICATES: dict[str, Callable[..., bool]] = {
    "above": above,
    "beyond": beyond,
    "held": held,
    "inside": inside,
    "near": near,
    "on": on,
    "released": released,
    "touching": touching,
}
