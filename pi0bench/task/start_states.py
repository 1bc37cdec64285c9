"""Start states: where everything stands, drawn from a task's ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pi0bench.envs import content_models
from pi0bench.envs.pose import Pose, from_rpy
from pi0bench.envs.scene import Body
from pi0bench.task.task_spec import ObjectSpec, TaskSpec

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
    bodies = []
    for item in task.objects:
        color = colors.get(item.name)
        joint_at = rng.uniform(*item.place.joint_m)
        body = content_models.instance(item.name, item.model, poses[item.name], color)
        bodies.append(
            replace(body, joints_at=(joint_at, *body.joints_at[1:]) if body.joints else ())
        )
    swapped = task.mirrored and rng.random() < 0.5
    if swapped:
        bodies = [replace(body, pose=_mirrored(body.pose)) for body in bodies]
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


def _mirrored(pose: Pose) -> Pose:
    x, y, z = pose.pos_m
    return from_rpy((x, -y, z), (0, 0, -pose.yaw_rad()))


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
    for _ in range(_TRIES):
        poses: dict[str, Pose] = {}
        for item in task.objects:
            pose = _draw(item, rng)
            before = task.objects[: len(poses)]
            if any(_close(item, pose, other, poses[other.name]) for other in before):
                break
            poses[item.name] = pose
        else:
            return poses
    raise PlacementError(f"{task.id}: no room for its objects in {_TRIES} tries; widen a range")


def _draw(item: ObjectSpec, rng: np.random.Generator) -> Pose:
    x, y = rng.uniform(*item.place.x_m), rng.uniform(*item.place.y_m)
    yaw = np.radians(rng.uniform(*item.place.yaw_deg))
    return from_rpy((x, y, content_models.model(item.model).bottom_m), (0, 0, yaw))


def _close(a: ObjectSpec, pose_a: Pose, b: ObjectSpec, pose_b: Pose) -> bool:
    radius_a, radius_b = (
        content_models.model(a.model).radius_m,
        content_models.model(b.model).radius_m,
    )
    if radius_a == 0 or radius_b == 0:  # a mark that other things may stand on
        return False
    apart = float(np.linalg.norm((pose_a.pos_m - pose_b.pos_m)[:2]))
    return apart < radius_a + radius_b + _FINGER_ROOM_M
