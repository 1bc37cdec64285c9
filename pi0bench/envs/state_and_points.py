"""What can be observed beside pictures and proprioception: objects, and a cloud of points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.cameras import Snapshot, picture
from pi0bench.envs.panda_kinematics import FINGERS
from pi0bench.envs.pose import Array
from pi0bench.envs.scene import Body, Geom, Scene

POINTS = 1024
OBJECT_DIM = 13
FAR_M = 2.0
"""Positions are clipped here: what falls off the table falls for ever."""

_HAND = ("hand", *FINGERS)
_PLASTIC = 1.3247179572447460  # the real root of x³ = x + 1


def objects(bodies: Sequence[Body], snapshot: Snapshot) -> NDArray[np.float32]:
    """Where the bodies are and what they look like, in their order, (13 · bodies,).

    For each: position of its root link in the base frame (3, m, clipped to ±`FAR_M`), unit
    quaternion (w, x, y, z) with w ≥ 0 (4), where its first joint stands (1, m or rad; 0 if it
    has none), its colour (3, red, green, blue in [0, 1]), the radius of its footprint and its
    height (2, m), which tell a cube from a bowl of its colour.
    What is screwed to the table never changes its height and tilt.
    """
    rows = []
    for body in bodies:
        pose = snapshot.poses[body.name]
        at = np.clip(next(iter(snapshot.joints.get(body.name, ())), 0.0), -FAR_M, FAR_M)
        size_m = body.radius_m, body.bottom_m + body.top_m
        where = (*np.clip(pose.pos_m, -FAR_M, FAR_M), *pose.quat_wxyz(), at)
        rows.append([*where, *_rgb(body), *size_m])
    return np.array(rows, np.float32).ravel()


def _rgb(body: Body) -> tuple[float, ...]:
    """The colour of most of the surface of the link that is known by its keypoint."""
    known = body.keypoints[0].link if body.keypoints else body.links[0].name
    areas_m2: dict[tuple[float, ...], float] = {}
    for geom in next(link.geoms for link in body.links if link.name == known):
        areas_m2[geom.rgba] = areas_m2.get(geom.rgba, 0.0) + float(sum(_faces_m2(geom)))
    return max(areas_m2, key=lambda rgba: areas_m2[rgba])[:3]


class Cloud:
    """Points fixed to the surfaces of the hand, the fingers and the objects, not of the table.

    They are spread evenly over the area of all those primitives by one low-discrepancy set, so a
    point keeps its place on its primitive for the whole episode, whatever engine moves it. The
    cloud is full: surfaces that no camera sees, or that lie inside another primitive, have their
    points too. Colours are the primitives' own, without light.

    Source of the set: Kronecker's sequence of the plastic number (Roberts 2018, "R2").
    """

    def __init__(self, scene: Scene, snapshot: Snapshot, count: int = POINTS) -> None:
        self._scene = scene
        geoms = picture(scene, snapshot).geoms
        wanted = np.flatnonzero([*_wanted(scene)])
        faces = [_faces_m2(geoms[i]) for i in wanted]
        owner = np.repeat(wanted, [len(areas) for areas in faces])
        face = np.concatenate([np.arange(len(areas)) for areas in faces])
        ends = np.cumsum(np.concatenate(faces))
        at = np.searchsorted(ends / ends[-1], (np.arange(count) + 0.5) / count)
        u, v = np.arange(count) / _PLASTIC % 1, np.arange(count) / _PLASTIC**2 % 1
        self._geom = owner[at]
        self._local_m = np.empty((count, 3))
        for i in wanted:
            own = self._geom == i
            self._local_m[own] = _on_face(geoms[i], face[at][own], u[own], v[own])
        self._rgb = np.array([geoms[i].rgba[:3] for i in self._geom])

    def points(self, snapshot: Snapshot) -> NDArray[np.float32]:
        """The points now, (N, 6): x, y, z in the base frame (m, clipped); r, g, b in [0, 1]."""
        seen = picture(self._scene, snapshot)
        turned = np.einsum("nij,nj->ni", seen.rot[self._geom], self._local_m)
        placed = np.clip(seen.pos_m[self._geom] + turned, -FAR_M, FAR_M)
        return np.concatenate([placed, self._rgb], axis=1).astype(np.float32)


def _wanted(scene: Scene) -> list[bool]:
    """For each primitive in the order of `cameras.picture`: does it belong in a cloud?"""
    robot = [link.name in _HAND for link in scene.robot.links for _ in link.geoms]
    bodies = [(body.name, link) for body in scene.bodies for link in body.links]
    return robot + [name != "table" for name, link in bodies for _ in link.geoms]


def _faces_m2(geom: Geom) -> Array:
    """Area of each face: six of a box, side and ends of a cylinder or capsule, one of a sphere."""
    match geom.shape, geom.size_m:
        case "box", (x, y, z):
            return 4 * np.repeat([y * z, z * x, x * y], 2)
        case "cylinder", (r, half):
            return np.pi * r * np.array([4 * half, r, r])
        case "capsule", (r, half):
            return np.pi * r * np.array([4 * half, 4 * r])
        case "sphere", (r,):
            return np.array([4 * np.pi * r * r])
    raise ValueError(f"a {geom.shape} cannot have size {geom.size_m}")


def _on_face(geom: Geom, face: NDArray[np.intp], u: Array, v: Array) -> Array:
    """Points on faces of the primitive, (n, 3) in its frame; u, v in [0, 1), (n,), spread them."""
    angle, signed = 2 * np.pi * u, 2 * v - 1
    round_xy = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if geom.shape == "box":
        axis, rows = face // 2, np.arange(len(face))
        unit = np.empty((len(face), 3))
        unit[rows, axis] = 2 * (face % 2) - 1
        unit[rows, (axis + 1) % 3], unit[rows, (axis + 2) % 3] = 2 * u - 1, signed
        return unit * geom.size_m
    r, half = geom.size_m[0], geom.size_m[-1]
    ball = r * np.column_stack([round_xy * np.sqrt(1 - signed**2)[:, None], signed])
    if geom.shape == "sphere":
        return ball
    side = np.column_stack([r * round_xy, half * signed])
    if geom.shape == "capsule":
        end = ball + np.where(signed < 0, -half, half)[:, None] * [0, 0, 1]
    else:
        end = np.column_stack([r * round_xy * np.sqrt(v)[:, None], half * (3 - 2 * face)])
    return np.where((face == 0)[:, None], side, end)
