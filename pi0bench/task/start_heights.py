"""At what height things start that stand on or within others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from pi0bench.envs.pose import Pose
from pi0bench.envs.scene import Body, Geom, Interior
from pi0bench.task.task_spec import ObjectSpec, TaskSpec

_FALL_M = 0.0005  # from which a thing comes to rest within another


def carries(task: TaskSpec, one: ObjectSpec, other: ObjectSpec) -> bool:
    """True when one of the two starts on or within the other, or on what does."""
    return one.name in carriers(task, other) or other.name in carriers(task, one)


def carriers(task: TaskSpec, item: ObjectSpec) -> list[str]:
    """Names of what carries the object, and what carries that, down to the table."""
    bases = {item.name: item.place.base for item in task.objects}
    chain = [item.name]
    while bases[chain[-1]]:
        chain.append(bases[chain[-1]])
    return chain[1:]


def settled(task: TaskSpec, bodies: Iterable[Body]) -> list[Body]:
    """The task's bodies, in their order, with those on top of or within others moved there."""
    found = {body.name: body for body in bodies}
    for item in sorted(task.objects, key=lambda item: len(carriers(task, item))):
        if item.place.on:
            pose = _on(found[item.name], found[item.place.on])
        elif item.place.within:
            pose = _within(found[item.name], found[item.place.within])
        else:
            continue
        found[item.name] = replace(found[item.name], pose=pose)
    return list(found.values())


def _on(body: Body, base: Body) -> Pose:
    x, y, _ = body.pose.pos_m
    top = base.link_poses(base.pose, base.joints_at)[base.frame_link].pos_m[2] + base.top_m
    return Pose(np.array([x, y, top + body.bottom_m]), body.pose.rot)


def _within(body: Body, container: Body) -> Pose:
    interior = container.interior
    if interior is None:
        raise ValueError(f"{container.name} has no inside")
    link = container.link_poses(container.pose, container.joints_at)[interior.link]
    x, y, _ = interior.space.pose.pos_m
    height = _floor_m(container, interior) + _FALL_M + body.bottom_m
    return Pose((link @ Pose(np.array([x, y, height]))).pos_m, body.pose.rot)


def _floor_m(container: Body, interior: Interior) -> float:
    """Height in its link of what lies under the middle of the inside."""
    middle = interior.space.pose.pos_m
    geoms = next(link.geoms for link in container.links if link.name == interior.link)
    tops = [_top_m(geom) for geom in geoms if geom.collide and _under(geom, middle[:2])]
    below = [top for top in tops if top <= middle[2]]
    return max([middle[2] - interior.space.size_m[-1], *below])


def _under(geom: Geom, point_m: np.ndarray) -> bool:
    """True when an upright box or cylinder stands under or over the point, (2,)."""
    off = np.abs((geom.pose.rot.T @ [*(point_m - geom.pose.pos_m[:2]), 0])[:2])
    inside = (
        np.hypot(*off) < geom.size_m[0] if len(geom.size_m) == 2 else (off < geom.size_m[:2]).all()
    )
    return bool(inside) and abs(geom.pose.rot[2, 2]) > 0.999


def _top_m(geom: Geom) -> float:
    return float(geom.pose.pos_m[2] + geom.size_m[-1])
