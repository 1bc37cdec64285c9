"""Start states: where everything stands, drawn from a task's ranges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pi0bench.content.toml_errors import Range
from pi0bench.envs import content_models
from pi0bench.envs.pose import Pose, from_rpy
from pi0bench.envs.scene import Body
from pi0bench.task.start_heights import carries, settled
from pi0bench.task.task_spec import ObjectSpec, Place, TaskSpec

_TRIES = 1000
_FINGER_ROOM_M = 0.032  # between footprints, so that open fingers fit


class PlacementError(RuntimeError):
    """The task's ranges leave no room for its objects."""


@dataclass(frozen=True)
class Said:
    """What an instruction may say of an object."""

    color: str
    side: str


@dataclass(frozen=True, eq=False)
class Layout:
    """The start of one episode.

    Attributes:
        bodies: the objects, placed and coloured.
        tcp_m: where the tool starts, (3,), with heading `yaw_rad`.
        instruction: what is asked, in words.
        said: what an instruction may say of each object, by its name.
        expert_choice: uniform in [0, 1), for an expert that must choose.
        script_seed: of what happens by itself.
    """

    bodies: tuple[Body, ...]
    tcp_m: tuple[float, float, float]
    yaw_rad: float
    instruction: str
    said: Mapping[str, Said]
    expert_choice: float
    script_seed: int = 0


def place(task: TaskSpec, rng: np.random.Generator) -> Layout:
    """Draw a start state.

    Raises:
        PlacementError: no room was found in a thousand tries.
    """
    colors = _colors(task, rng)
    poses = _poses(task, rng)
    bodies = [
        _instance(item, poses[item.name], colors.get(item.name), rng) for item in task.objects
    ]
    swapped = task.mirrored and rng.random() < 0.5
    if swapped:
        bodies = [_mirrored(body) for body in bodies]
    bodies = settled(task, bodies)
    spread = np.array(task.start.spread_m)
    x, y, z = np.array(task.start.tcp_m) + rng.uniform(-spread, spread)
    yaw = np.radians(rng.uniform(-1, 1) * task.start.spread_yaw_deg)
    template = task.instructions[rng.integers(len(task.instructions))]
    said = _words(task, colors, swapped)
    text = template.format(**said)
    return Layout(
        tuple(bodies),
        (x, y, z),
        float(yaw),
        text,
        said,
        float(rng.random()),
        int(rng.integers(2**32)),
    )


def _words(task: TaskSpec, colors: dict[str, str], swapped: bool) -> dict[str, Said]:
    other = {"left": "right", "right": "left", "": ""}
    return {
        item.name: Said(colors.get(item.name, ""), other[item.side] if swapped else item.side)
        for item in task.objects
    }


def _instance(item: ObjectSpec, pose: Pose, color: str | None, rng: np.random.Generator) -> Body:
    """The object, its joint and speed drawn."""
    joint_at, speed_m_s = rng.uniform(*item.place.joint_at), _signed(item.place, "speed_m_s", rng)
    body = content_models.instance(item.name, item.model, pose, color)
    joints_at = (joint_at, *body.joints_at[1:]) if body.joints else ()
    return replace(body, joints_at=joints_at, speed_m_s=speed_m_s)


def _signed(place: Place, key: str, rng: np.random.Generator) -> float:
    """A value of that range, of either sign where the place says so."""
    value = _drawn(getattr(place, key), rng)
    return value * rng.choice([-1, 1]) if key in place.either_way else value


def _drawn(limits: Range, rng: np.random.Generator) -> float:
    """A value of the range; nothing is drawn where there is only one."""
    return limits[0] if limits[0] == limits[1] else float(rng.uniform(*limits))


def _mirrored(body: Body) -> Body:
    """The body in a mirror that swaps left and right."""
    flip = np.diag([1.0, -1.0, 1.0])
    pose = Pose(flip @ body.pose.pos_m, flip @ body.pose.rot @ flip)
    turned = [
        -at if joint.drive and abs(joint.axis[1]) > 0.5 else at
        for joint, at in zip(body.joints, body.joints_at, strict=True)
    ]
    sideways = any(joint.drive and abs(joint.axis[1]) > 0.5 for joint in body.joints)
    speed_m_s = -body.speed_m_s if sideways else body.speed_m_s
    return replace(body, pose=pose, joints_at=tuple(turned), speed_m_s=speed_m_s)


def _colors(task: TaskSpec, rng: np.random.Generator) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for item in task.objects:
        if len(item.color) == 1:
            chosen[item.name] = item.color[0]
        elif item.color:
            free = [color for color in item.color if color not in chosen.values()]
            if not free:
                raise PlacementError(f"{task.id}: no color is left for {item.name}")
            chosen[item.name] = free[rng.integers(len(free))]
    return chosen | {item.name: chosen[item.like] for item in task.objects if item.like}


def _poses(task: TaskSpec, rng: np.random.Generator) -> dict[str, Pose]:
    crowded: Counter[str] = Counter()
    for _ in range(_TRIES):
        poses: dict[str, Pose] = {}
        for item in task.objects:
            pose = _draw(item, rng)
            before = [o for o in task.objects[: len(poses)] if not carries(task, o, item)]
            if any(_close(item, pose, other, poses[other.name]) for other in before):
                crowded[item.name] += 1
                break
            poses[item.name] = pose
        else:
            return poses
    ((most, _),) = crowded.most_common(1)
    raise PlacementError(
        f"{task.id}: no room for its objects in {_TRIES} tries, most often none for {most}; "
        "widen a range"
    )


def _draw(item: ObjectSpec, rng: np.random.Generator) -> Pose:
    """Where it stands; what is carried gets its height, and its place within, later."""
    place = item.place
    x, y = rng.uniform(*place.x_m), rng.uniform(*place.y_m)
    yaw, roll = np.radians([rng.uniform(*place.yaw_deg), _signed(place, "roll_deg", rng)])
    z = _drawn(place.z_m, rng) if place.z_m else content_models.model(item.model).bottom_m
    return from_rpy((x, y, z), (roll, 0, yaw))


def _close(a: ObjectSpec, pose_a: Pose, b: ObjectSpec, pose_b: Pose) -> bool:
    radius_a, radius_b = (
        content_models.model(a.model).radius_m,
        content_models.model(b.model).radius_m,
    )
    if radius_a == 0 or radius_b == 0:  # a mark that other things may stand on
        return False
    if a.place.within or b.place.within:
        return False
    own = [place.apart_m for place in (a.place, b.place) if place.apart_m is not None]
    apart = float(np.linalg.norm((pose_a.pos_m - pose_b.pos_m)[:2]))
    return apart < radius_a + radius_b + max(own, default=_FINGER_ROOM_M)
