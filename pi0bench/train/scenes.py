"""Labelled pictures, drawn by both renderers: what eyes learn from.

Half are moments of demonstrations, half are moments that no physics led to: things are put where
they could be, on the table, in the gripper, on and in each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs import models
from pi0bench.envs.cameras import CAMERAS, Snapshot, calibration, camera, project
from pi0bench.envs.panda import MAX_WIDTH_M, forward, inverse, panda
from pi0bench.envs.pose import Array, Pose, from_rpy, rot_of
from pi0bench.envs.render.choose import NAMES, make
from pi0bench.envs.render.renderer import Renderer
from pi0bench.envs.scene import Body, Scene
from pi0bench.envs.tabletop import images, proprio
from pi0bench.policies.card import digest
from pi0bench.seeds import stream
from pi0bench.tasks.load import task as load_task
from pi0bench.tasks.placement import place
from pi0bench.tasks.spec import ObjectSpec, TaskSpec
from pi0bench.train import parts
from pi0bench.train.recorded import Recorded

_BLOCK = 500
_RUN = 50  # scenes of one task in a row, since tiny loads other shapes slowly


def looks_of(tasks: Sequence[TaskSpec]) -> dict[str, float]:
    """What eyes must tell apart, sorted: every mark of these tasks' objects in every colour.

    The value is the mark's height above the table while its object stands there, in metres.
    """
    looks: dict[str, float] = {}
    for task in tasks:
        colors = {item.name: item.color for item in task.objects}
        for item in task.objects:
            looks |= _looks(item, colors[item.like] if item.like else item.color)
    return dict(sorted(looks.items()))


def _looks(item: ObjectSpec, colors: Sequence[str]) -> dict[str, float]:
    body = models.model(item.model)
    poses = body.link_poses(Pose(np.array([0, 0, body.rest_m])), 0.0)
    found = {}
    for mark in body.marks:
        height = round(float(poses[mark.link].pos_m[2] + mark.pos_m[2]), 4)
        names = [models.look_of(mark.look, color) for color in colors] or [mark.look]
        found |= dict.fromkeys(names, height)
    return found


def draw_scene(task: TaskSpec, rng: np.random.Generator) -> tuple[Scene, Snapshot]:
    """A random moment of a task: the arm anywhere, things where a robot may have put them."""
    bodies = [_moved(body, rng) for body in place(task, rng).bodies]
    small = [i for i, body in enumerate(bodies) if body.free and body.rest_m > 0]
    rng.shuffle(small)
    q, width = _arm(bodies[rng.integers(len(bodies))], rng)
    tool = forward(q)
    if small and len(bodies) > 1 and rng.random() < 0.45:
        item = small[-1]
        base = bodies[rng.choice([i for i in range(len(bodies)) if i != item])]
        bodies[item] = _put(bodies[item], base, rng)
    if small and (fate := rng.random()) < 0.5:
        item = bodies[small[0]]
        if fate < 0.35:  # in the gripper
            width = 2 * item.rest_m
            slip = from_rpy(rng.normal(0, 0.004, 3), (0, 0, rng.normal(0, 0.08)))
            pose = tool @ slip
        else:  # under it
            x, y = tool.pos_m[:2] + rng.normal(0, 0.008, 2)
            pose = from_rpy((x, y, item.rest_m), (0, 0, rng.uniform(-0.8, 0.8)))
        bodies[small[0]] = replace(item, pose=pose)
    scene = Scene(panda().body, (models.table(), *bodies))
    poses = {body.name: body.pose for body in scene.bodies}
    return scene, Snapshot(q, width, poses, {body.name: body.joint_at for body in bodies})


def _moved(body: Body, rng: np.random.Generator) -> Body:
    """The body with its joint, if it has one, anywhere in its range, and often at an end."""
    if body.joint is None:
        return body
    low, high = body.joint.range
    return replace(body, joint_at=float(np.clip(rng.uniform(1.5 * low, 1.5 * high), low, high)))


def _arm(target: Body, rng: np.random.Generator) -> tuple[Array, float]:
    """Joint angles and opening; mostly near the target: over it, or on the way down."""
    tool = np.array([rng.uniform(0.32, 0.70), rng.uniform(-0.28, 0.28), rng.uniform(0.01, 0.32)])
    width = MAX_WIDTH_M * (1 - rng.random() ** 3 * rng.integers(2))
    if rng.random() < 0.7:
        reach = 0.02 + 0.06 * rng.random()
        tool[:2] = target.pose.pos_m[:2] + rng.normal(0, reach, 2)
        tool[2] = target.pose.pos_m[2] + target.top_m + rng.uniform(-0.02, 0.16)
    tool[2] = max(tool[2], 0.008)
    rot = rot_of(np.array([0, 0, rng.uniform(-0.7, 0.7)])) @ forward(panda().home_rad).rot
    aim = Pose(tool, rot_of(rng.normal(0, 0.02, 3)) @ rot)
    return inverse(aim, panda().home_rad, iterations=12), width


def _put(item: Body, base: Body, rng: np.random.Generator) -> Body:
    """The item on the base, or in it, or on its way there."""
    x, y = rng.normal(0, 0.008, 2)
    at = base.pose.pos_m + np.array([0, 0, base.top_m])
    if base.room:
        link = base.link_poses(base.pose, base.joint_at)[base.room.link]
        at = base.room.centre_m(link) - np.array([0, 0, 0.01])
    lift = item.rest_m + 0.03 * rng.random() ** 3
    heading = from_rpy((0, 0, 0), (0, 0, rng.uniform(-np.pi, np.pi)))
    return replace(item, pose=Pose(at + np.array([x, y, lift]), heading.rot))


def label(
    scene: Scene, snap: Snapshot, looks: Sequence[str], tool_m: Array
) -> dict[str, NDArray[Any]]:
    """What eyes should say of S looks, and what the robot feels.

    proprio (10,) · present (S,) · pos_m (S, 3) in the base frame · turn (S, 2), cosine and sine
    of the heading relative to the hand times the object's symmetry, zeros for round things ·
    pixel (S, C, 2) in [-1, 1] for C cameras.
    """
    points, turn = np.zeros((len(looks), 3)), np.zeros((len(looks), 2))
    present = np.zeros(len(looks), bool)
    hand = forward(snap.q_rad).yaw_rad()
    for body in scene.bodies:
        for mark in body.marks:
            if mark.look in looks:
                at = looks.index(mark.look)
                present[at], points[at] = True, snap.mark_m(body, mark)
                angle = body.turns * (snap.poses[body.name].yaw_rad() - hand)
                turn[at] = [np.cos(angle), np.sin(angle)] if body.turns else [0, 0]
    pixel = np.stack([project(camera(name, snap), points) for name in CAMERAS], axis=1)
    return {
        "proprio": proprio(snap.q_rad, snap.width_m, tool_m),
        "present": present,
        "pos_m": points.astype(np.float32),
        "turn": turn.astype(np.float32),
        "pixel": pixel.astype(np.float32),
    }


def _example(
    scene: Scene,
    snap: Snapshot,
    looks: Sequence[str],
    renderer: Renderer,
    side: int,
    rng: np.random.Generator,
) -> dict[str, NDArray[Any]]:
    """One drawn scene with its labels; images (C, side, side, 3) uint8."""
    seen = images(scene, snap, renderer, side)
    commanded = forward(snap.q_rad).pos_m + rng.normal(0, 0.006, 3)
    drawn = np.stack([seen[name] for name in CAMERAS])
    return {"images": drawn, **label(scene, snap, looks, commanded)}


def _block(
    tasks: list[str], source: str, start: int, count: int, side: int, seed: int
) -> parts.Made:
    specs = [load_task(name) for name in tasks]
    looks = looks_of(specs)
    lived = Recorded(Path(source))
    renderers = [make(name) for name in NAMES]
    rows = []
    for number in range(start, start + count):
        rng = stream("scene", seed, number)
        task = specs[number // _RUN % len(specs)]
        drawn = draw_scene(task, rng) if number % 4 < 2 else lived.moment(task, rng)
        rows.append(_example(*drawn, list(looks), renderers[number % 2], side, rng))
    for renderer in renderers:
        renderer.close()
    arrays = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return arrays, {"looks": looks, "side": side, "calibration": calibration(), "seed": seed}


def collect(
    tasks: Sequence[TaskSpec],
    source: Path,
    count: int,
    folder: Path,
    *,
    side: int = 64,
    seed: int = 0,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Draw `count` scenes into part files below `folder`; parts that are there are kept.

    Args:
        tasks: whose things they show.
        source: demonstrations of these tasks (see `pi0bench.train.demos`).
        count: of scenes.
        folder: where the parts go.
        side: of a picture, in pixels.
        seed: of the scenes.
        workers: processes.
        progress: called with the number of finished parts and of all parts.
    """
    names = [task.id for task in tasks]
    starts = range(0, count, _BLOCK)
    jobs = [(names, str(source), at, min(_BLOCK, count - at), side, seed) for at in starts]
    settings = {
        "tasks": {task.id: task.hash for task in tasks},
        "cameras": calibration(),
        "demonstrations": digest(source),
    }
    return parts.make(folder, _block, jobs, settings, workers=workers, progress=progress)
