"""Questions that tasks ask of a world, answered from poses, joints and contacts alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pi0bench.envs.panda_kinematics import FINGERS, forward
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.world_protocol import World
from pi0bench.errors import UsageError
from pi0bench.task.coverage import covered, reward
from pi0bench.task.object_needs import loose_joint, sprung_joint

_FIRM_M = 0.012
"""So much less than its width the gripper is told to open while it presses on a thing."""


def tcp_m(world: World) -> Array:
    """Measured position of the tool centre point, (3,)."""
    return forward(world.arm().q_rad).pos_m


def apart_m(world: World, a: str, b: str) -> float:
    """Horizontal distance between the frames of two objects."""
    return float(np.linalg.norm((world.pose(a).pos_m - world.pose(b).pos_m)[:2]))


def link_pose(world: World, item: str, link: str) -> Pose:
    """World pose of a link of an object, wherever its joint stands."""
    body = world.scene.body(item)
    return body.link_poses(world.root_pose(item), world.joints(item))[link]


def keypoint_m(world: World, item: str, number: int = 0) -> Array:
    """Where one of an object's keypoints is, (3,), counted from 0 as they stand in its file.

    Raises:
        UsageError: it has none of that number.
    """
    points = world.scene.body(item).keypoints
    if not 0 <= number < len(points):
        names = ", ".join(f"{i} {point.name}" for i, point in enumerate(points))
        raise UsageError(f"{item} has no keypoint {number}; it has {names}")
    link = link_pose(world, item, points[number].link)
    return link.pos_m + link.rot @ np.array(points[number].pos_m)


def near(world: World, item: str, *, reach_m: float = 0.05, keypoint: float = 0) -> bool:
    """True when the tool is within `reach_m` of the object's first keypoint, or of that one."""
    there = keypoint_m(world, item, int(keypoint))
    return float(np.linalg.norm(tcp_m(world) - there)) < reach_m


def touching(world: World, item: str) -> bool:
    """True when a finger touches the object."""
    return any(world.contact(item, finger) for finger in FINGERS)


def held(world: World, item: str) -> bool:
    """True when both fingers touch the object and it is between them."""
    if not all(world.contact(item, finger) for finger in FINGERS):
        return False
    return float(np.linalg.norm(tcp_m(world) - world.pose(item).pos_m)) < 0.03


def firm(world: World, item: str) -> bool:
    """True when the object is held, and the fingers press on it."""
    return _pressing(world) and held(world, item)


def gripped(world: World, item: str) -> bool:
    """True when the fingers, round the object's first keypoint, press on the object."""
    return near(world, item, reach_m=0.025) and _pressing(world) and touching(world, item)


def _pressing(world: World) -> bool:
    arm = world.arm()
    return arm.width_m - arm.wanted_width_m > _FIRM_M


def away(world: World, item: str, *, by_m: float = 0.08) -> bool:
    """True when no finger touches the object, and the tool is farther than `by_m` from it."""
    apart = float(np.linalg.norm(tcp_m(world) - world.pose(item).pos_m))
    return apart > by_m and released(world, item)


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
    gap = world.pose(upper).pos_m[2] - body.bottom_m - world.pose(lower).pos_m[2] - base.top_m
    over = apart_m(world, upper, lower) < 0.7 * base.radius_m
    return over and bool(abs(gap) < slack_m)


def inside(world: World, item: str, container: str) -> bool:
    """True when the object's frame is inside the container."""
    interior = world.scene.body(container).interior
    if interior is None:
        raise ValueError(f"{container} has no inside")
    return interior.holds(link_pose(world, container, interior.link), world.pose(item).pos_m)


def outside(world: World, item: str, container: str) -> bool:
    """True when the object's frame is not inside the container."""
    return not inside(world, item, container)


def around(world: World, ring: str, peg: str) -> bool:
    """True when the ring lies round the peg: level, its hole over it, below the peg's top."""
    base, body = world.pose(peg), world.scene.body(ring)
    top = base.pos_m[2] + world.scene.body(peg).top_m
    low = world.pose(ring).pos_m[2] + body.top_m < top - 0.005
    return low and apart_m(world, ring, peg) < 0.015 and bool(world.pose(ring).rot[2, 2] > 0.9)


def inserted(world: World, plug: str, socket: str, *, least_m: float = 0.012) -> bool:
    """True when the plug is straight in the socket, deeper than `least_m`."""
    own = world.pose(socket).inverse() @ world.pose(plug)
    foot_m = own.pos_m[2] - world.scene.body(plug).bottom_m
    deep = world.scene.body(socket).top_m - foot_m > least_m
    straight = own.rot[2, 2] > 0.98
    return bool(deep and straight and np.hypot(*own.pos_m[:2]) < 0.008)


def upright(world: World, item: str, *, slack_m: float = 0.004) -> bool:
    """True when the object stands on the table, on either end of its z axis."""
    own = world.pose(item)
    rest_m = world.scene.body(item).bottom_m
    return bool(abs(own.rot[2, 2]) > 0.98 and abs(own.pos_m[2] - rest_m) < slack_m)


def beyond(world: World, item: str, obstacle: str, *, by_m: float = 0.0) -> bool:
    """True when the object is farther ahead of the robot's base than the obstacle, by `by_m`."""
    return bool(world.pose(item).pos_m[0] > world.pose(obstacle).pos_m[0] + by_m)


def left_of(world: World, item: str, obstacle: str) -> bool:
    """True while the object passes the obstacle on the robot's left."""
    gap = world.pose(item).pos_m - world.pose(obstacle).pos_m
    return bool(abs(gap[0]) < 0.03 and gap[1] > 0)


def right_of(world: World, item: str, obstacle: str) -> bool:
    """True while the object passes the obstacle on the robot's right."""
    gap = world.pose(item).pos_m - world.pose(obstacle).pos_m
    return bool(abs(gap[0]) < 0.03 and gap[1] < 0)


def opened(world: World, furniture: str, *, least_m: float = 0.08, least_rad: float = 1.6) -> bool:
    """True when a drawer is out by `least_m` or more, or a lid is up by `least_rad` or more."""
    at, turns = _loose(world, furniture)
    return at > (least_rad if turns else least_m)


def closed(world: World, furniture: str, *, most_m: float = 0.01, most_rad: float = 0.05) -> bool:
    """True when a drawer is out by `most_m` or less, or a lid is up by `most_rad` or less."""
    at, turns = _loose(world, furniture)
    return at < (most_rad if turns else most_m)


def _loose(world: World, furniture: str) -> tuple[float, bool]:
    """Where the joint stands that stays where it is left, and whether it is a hinge."""
    body = world.scene.body(furniture)
    number = loose_joint(body)
    return float(world.joints(furniture)[number]), body.joints[number].kind == "hinge"


def pressed(world: World, button: str, *, least_m: float = 0.006) -> bool:
    """True when the button is down by `least_m` or more."""
    return _cap_m(world, button) < -least_m


def unpressed(world: World, button: str, *, most_m: float = 0.003) -> bool:
    """True when the button is down by less than `most_m`."""
    return _cap_m(world, button) > -most_m


def up(world: World, button: str, *, least_m: float = -0.0065) -> bool:
    """True when the button's cap is higher than `least_m`, or not yet pressed down to there."""
    return _cap_m(world, button) > least_m


def _cap_m(world: World, button: str) -> float:
    """Where the button's cap stands on its spring."""
    return float(world.joints(button)[sprung_joint(world.scene.body(button))])


PREDICATES: dict[str, Callable[..., bool]] = {
    "above": above,
    "around": around,
    "away": away,
    "beyond": beyond,
    "closed": closed,
    "covered": covered,
    "firm": firm,
    "gripped": gripped,
    "held": held,
    "inserted": inserted,
    "inside": inside,
    "left_of": left_of,
    "near": near,
    "on": on,
    "opened": opened,
    "outside": outside,
    "pressed": pressed,
    "released": released,
    "right_of": right_of,
    "touching": touching,
    "unpressed": unpressed,
    "up": up,
    "upright": upright,
}


MEASURES: dict[str, Callable[..., float]] = {"reward": reward}
