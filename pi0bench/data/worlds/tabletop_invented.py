"""Moments of the tabletop that no physics led to: things are put where they could be.

On the table, in the gripper, on and in each other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pi0bench.envs import content_models
from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, forward, inverse, panda
from pi0bench.envs.pose import Array, Pose, downward, from_rpy, rot_of
from pi0bench.envs.scene import Body, Geom, Scene
from pi0bench.task.start_states import place
from pi0bench.task.task_spec import TaskSpec


def draw_scene(task: TaskSpec, rng: np.random.Generator) -> tuple[Scene, Snapshot]:
    """A random moment of a task: the arm anywhere, things where a robot may have put them."""
    bodies = [_moved(body, rng) for body in place(task, rng).bodies]
    small = [i for i, body in enumerate(bodies) if body.free and body.bottom_m > 0]
    rng.shuffle(small)
    q, width = _arm(bodies[rng.integers(len(bodies))], rng)
    tool = forward(q)
    if small and len(bodies) > 1 and rng.random() < 0.45:
        item = small[-1]
        base = bodies[rng.choice([i for i in range(len(bodies)) if i != item])]
        bodies[item] = _put(bodies[item], base, rng)
    if small and (fate := rng.random()) < 0.5:
        item = bodies[small[0]]
        if fate < 0.35:
            pose, width = _held(item, tool, rng)
        else:  # under it
            x, y = tool.pos_m[:2] + rng.normal(0, 0.008, 2)
            pose = from_rpy((x, y, item.bottom_m), (0, 0, rng.uniform(-0.8, 0.8)))
        bodies[small[0]] = replace(item, pose=pose)
    scene = Scene(panda().body, (content_models.table(), *bodies))
    poses = {body.name: body.pose for body in scene.bodies}
    joints = {body.name: body.joints_at for body in bodies}
    hidden = task.script.make().invented(scene, rng)
    return scene, Snapshot(q, width, poses, joints, hidden)


def _moved(body: Body, rng: np.random.Generator) -> Body:
    """The body with each of its joints anywhere in its range, and often at an end."""
    low, high = np.array([joint.range for joint in body.joints]).reshape(-1, 2).T
    margin = (high - low) / 4
    at = rng.uniform(low - margin, high + margin).clip(low, high)
    return replace(body, joints_at=tuple(at.tolist()))


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


def _held(item: Body, tool: Pose, rng: np.random.Generator) -> tuple[Pose, float]:
    """Upright in the gripper, as it was picked, and the fingers' opening around it."""
    turns = rng.integers(max(item.yaw_symmetry, 1)) / max(item.yaw_symmetry, 1)
    slip = from_rpy(rng.normal(0, 0.004, 3), (0, 0, 2 * np.pi * turns + rng.normal(0, 0.08)))
    upright = Pose(tool.pos_m, tool.rot @ downward(0.0).T)
    return upright @ slip, min(2 * _half_m(item), MAX_WIDTH_M)


def _half_m(item: Body) -> float:
    """Half of its extent along y, where the fingers meet it."""
    geoms = [geom for link in item.links for geom in link.geoms if geom.collide]
    return max(abs(geom.pose.pos_m[1]) + _half_along_y_m(geom) for geom in geoms)


def _half_along_y_m(geom: Geom) -> float:
    if geom.shape == "box":
        return float(np.abs(geom.pose.rot[1]) @ geom.size_m)
    return geom.size_m[0]


def _put(item: Body, base: Body, rng: np.random.Generator) -> Body:
    """The item on the base, or in it, or on its way there."""
    x, y = rng.normal(0, 0.008, 2)
    at = base.pose.pos_m + np.array([0, 0, base.top_m])
    if base.interior:
        link = base.link_poses(base.pose, base.joints_at)[base.interior.link]
        at = base.interior.centre_m(link) - np.array([0, 0, 0.01])
    lift = item.bottom_m + 0.03 * rng.random() ** 3
    heading = from_rpy((0, 0, 0), (0, 0, rng.uniform(-np.pi, np.pi)))
    return replace(item, pose=Pose(at + np.array([x, y, lift]), heading.rot))
