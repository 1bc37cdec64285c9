"""Start states: where everything stands, drawn from a task's ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pi0bench.envs import models
from pi0bench.envs.pose import Pose, from_rpy
from pi0bench.envs.scene import Body
from pi0bench.tasks.spec import ObjectSpec, TaskSpec

_TRIES = 1000
_FINGER_ROOM_M = 0.032  # between footprints, so that open fingers fit


class PlacementError(RuntimeError):
    """The task's ranges leave no room for its objects."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The start of one episode.

    Attributes:
        bodies: the objects, placed and coloured.
        tcp_m: where the tool starts, (3,), with heading `yaw_rad`.
        instruction: what is asked, in words.
        coin: uniform in [0, 1), for an expert that must choose.
    """

    bodies: tuple[Body, ...]
    tcp_m: tuple[float, float, float]
    yaw_rad: float
    instruction: str
    coin: float


def place(task: TaskSpec, rng: np.random.Generator) -> Layout:
    """Draw a start state.

    Raises:
        PlacementError: no room was found in a thousand tries.
    """
    colors = _colors(task, rng)
    poses = _poses(task, rng)
    bodies = tuple(
        models.instance(item.name, item.model, poses[item.name], colors.get(item.name))
        for item in task.objects
    )
    spread = np.array(task.start.spread_m)
    x, y, z = np.array(task.start.tcp_m) + rng.uniform(-spread, spread)
    yaw = np.radians(rng.uniform(-1, 1) * task.start.spread_yaw_deg)
    template = task.instructions[rng.integers(len(task.instructions))]
    words = {name: _Colored(color) for name, color in colors.items()}
    return Layout(bodies, (x, y, z), float(yaw), template.format(**words), float(rng.random()))


@dataclass(frozen=True)
class _Colored:
    color: str


def _colors(task: TaskSpec, rng: np.random.Generator) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for item in task.objects:
        free = [color for color in item.color if color not in chosen.values()]
        if item.color:
            if not free:
                raise PlacementError(f"{task.id}: no color is left for {item.name}")
            chosen[item.name] = free[rng.integers(len(free))]
    return chosen


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
    return from_rpy((x, y, models.model(item.model).rest_m), (0, 0, yaw))


def _close(a: ObjectSpec, pose_a: Pose, b: ObjectSpec, pose_b: Pose) -> bool:
    radii = models.model(a.model).radius_m + models.model(b.model).radius_m
    apart = float(np.linalg.norm((pose_a.pos_m - pose_b.pos_m)[:2]))
    return apart < radii + _FINGER_ROOM_M
