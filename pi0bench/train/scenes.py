"""Random scenes with privileged labels, drawn by both renderers: what eyes learn from.

No physics runs: things are put where they could be, on the table, in the gripper, on each other.
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
from pi0bench.seeds import stream
from pi0bench.tasks.load import task as load_task
from pi0bench.tasks.placement import place
from pi0bench.tasks.spec import TaskSpec
from pi0bench.train import parts

_BLOCK = 500


def labels_of(tasks: Sequence[TaskSpec]) -> list[str]:
    """What eyes must tell apart: the look of every object that these tasks can show, sorted."""
    looks = set()
    for task in tasks:
        for item in task.objects:
            looks |= {f"{c} {item.model}" for c in item.color} if item.color else {item.model}
    return sorted(looks)


def draw_scene(task: TaskSpec, rng: np.random.Generator) -> tuple[Scene, Snapshot]:
    """A random moment of a task: the arm anywhere, things where a robot may have put them."""
    bodies = list(place(task, rng).bodies)
    cubes = [i for i, body in enumerate(bodies) if body.free and body.rest_m > 0]
    rng.shuffle(cubes)
    tool = np.array([rng.uniform(0.32, 0.70), rng.uniform(-0.28, 0.28), rng.uniform(0.01, 0.32)])
    width = MAX_WIDTH_M * (1 - rng.random() ** 3 * rng.integers(2))
    kind = rng.random()
    target = bodies[rng.integers(len(bodies))]
    if kind < 0.7:  # near something: over it, on the way down, or just above it with a cube
        reach = 0.02 + 0.06 * rng.random()
        tool[:2] = target.pose.pos_m[:2] + rng.normal(0, reach, 2)
        tool[2] = target.pose.pos_m[2] + target.top_m + rng.uniform(-0.02, 0.16)
    tool[2] = max(tool[2], 0.008)
    yaw = rng.uniform(-0.7, 0.7)
    rot = rot_of(np.array([0, 0, yaw])) @ forward(panda().home_rad).rot
    q = inverse(Pose(tool, rot_of(rng.normal(0, 0.02, 3)) @ rot), panda().home_rad, iterations=12)
    reached = forward(q)
    if rng.random() < 0.2 and len(cubes) > 1:
        bodies[cubes[1]] = _put_on(bodies[cubes[1]], bodies[int(cubes[0])], rng)
    elif rng.random() < 0.25 and cubes:
        bodies[cubes[-1]] = _put_on(bodies[cubes[-1]], bodies[-1], rng)
    if rng.random() < 0.35 and cubes:
        width = 2 * bodies[cubes[0]].rest_m
        turn = from_rpy(
            (*rng.normal(0, 0.004, 2), rng.normal(0, 0.004)), (0, 0, rng.normal(0, 0.08))
        )
        bodies[cubes[0]] = replace(bodies[cubes[0]], pose=reached @ turn)
    elif kind < 0.2 and cubes:
        bodies[cubes[0]] = replace(
            bodies[cubes[0]], pose=_beneath(reached.pos_m, bodies[cubes[0]], rng)
        )
    scene = Scene(panda().body, (models.table(), *bodies))
    return scene, Snapshot(q, width, {body.name: body.pose for body in scene.bodies})


def _put_on(item: Body, base: Body, rng: np.random.Generator) -> Body:
    depth = 0.008 if base.name == "bowl" else base.top_m
    x, y = rng.normal(0, 0.008, 2)
    lift = depth + item.rest_m + 0.03 * rng.random() ** 3
    heading = from_rpy((0, 0, 0), (0, 0, rng.uniform(-np.pi, np.pi)))
    return replace(item, pose=Pose(base.pose.pos_m + np.array([x, y, lift]), heading.rot))


def _beneath(tool_m: Array, item: Body, rng: np.random.Generator) -> Pose:
    x, y = tool_m[:2] + rng.normal(0, 0.008, 2)
    return from_rpy((x, y, item.rest_m), (0, 0, rng.uniform(-0.8, 0.8)))


def example(
    task: TaskSpec, looks: Sequence[str], renderer: Renderer, side: int, rng: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """One drawn scene with its labels, S looks and C cameras.

    images (C, side, side, 3) uint8 · proprio (10,) · present (S,) · pos_m (S, 3) in the base
    frame · yaw_rad (S,) · pixel (S, C, 2) in [-1, 1].
    """
    scene, snap = draw_scene(task, rng)
    seen = images(scene, snap, renderer, side)
    points = np.zeros((len(looks), 3))
    present, yaw = np.zeros(len(looks), bool), np.zeros(len(looks), np.float32)
    for body in scene.bodies:
        if body.label in looks:
            at = looks.index(body.label)
            pose = snap.poses[body.name]
            present[at], points[at], yaw[at] = True, pose.pos_m, pose.yaw_rad()
    pixel = np.stack([project(camera(name, snap), points) for name in CAMERAS], axis=1)
    tool = forward(snap.q_rad).pos_m + rng.normal(0, 0.006, 3)
    return {
        "images": np.stack([seen[name] for name in CAMERAS]),
        "proprio": proprio(snap.q_rad, snap.width_m, tool),
        "present": present,
        "pos_m": points.astype(np.float32),
        "yaw_rad": yaw,
        "pixel": pixel.astype(np.float32),
    }


def _block(tasks: list[str], start: int, count: int, side: int, seed: int) -> parts.Made:
    specs = [load_task(name) for name in tasks]
    looks = labels_of(specs)
    renderers = [make(name) for name in NAMES]
    rows = []
    for number in range(start, start + count):
        rng = stream("scene", seed, number)
        task = specs[number // 50 % len(specs)]  # in runs, since tiny reloads other shapes
        rows.append(example(task, looks, renderers[number % 2], side, rng))
    for renderer in renderers:
        renderer.close()
    arrays = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return arrays, {"looks": looks, "side": side, "calibration": calibration(), "seed": seed}


def collect(
    tasks: Sequence[TaskSpec],
    count: int,
    folder: Path,
    *,
    side: int = 64,
    seed: int = 0,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Draw `count` scenes into part files below `folder`; parts that are there are kept."""
    names = [task.id for task in tasks]
    starts = range(0, count, _BLOCK)
    jobs = [(names, start, min(_BLOCK, count - start), side, seed) for start in starts]
    settings = {"tasks": {task.id: task.hash for task in tasks}, "cameras": calibration()}
    return parts.make(folder, _block, jobs, settings, workers=workers, progress=progress)
