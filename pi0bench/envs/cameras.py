"""The cameras of the tabletop, and what they see of a world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from pi0bench.envs.content_models import read
from pi0bench.envs.panda_kinematics import link_poses, panda
from pi0bench.envs.pose import Array, Pose, look_at
from pi0bench.envs.render.renderer_protocol import NEAR_M, Camera, Light, Picture
from pi0bench.envs.scene import Body, Keypoint, Scene

CAMERAS = ("front", "wrist")
_NOWHERE_M = np.array([0.0, 0.0, -9.0])
"""Where what is hidden is drawn: below the floor."""
UNMOVED: Mapping[str, Pose] = {name: Pose() for name in CAMERAS}


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Where everything that can move is: enough to draw the world, whatever engine moved it.

    Attributes:
        q_rad: arm, (7,).
        width_m: opening of the gripper.
        poses: every body by name.
        joints: where the joints of each object that has some stand, by name.
        hidden: what is not seen any more: names of bodies, each with a number of its geoms.
    """

    q_rad: Array
    width_m: float
    poses: dict[str, Pose]
    joints: dict[str, tuple[float, ...]]
    hidden: frozenset[tuple[str, int]] = frozenset()

    def link_poses(self, body: Body) -> dict[str, Pose]:
        """World pose of every link of an object."""
        return body.link_poses(self.poses[body.name], self.joints.get(body.name, ()))

    def keypoint_m(self, body: Body, point: Keypoint) -> Array:
        """Where an object's keypoint is in the world, (3,)."""
        link = self.link_poses(body)[point.link]
        return link.pos_m + link.rot @ np.array(point.pos_m)


@cache
def _mount(name: str) -> tuple[str | None, Pose, float]:
    """The link that carries the camera (None: the world), its pose there, and its field of view."""
    raw = read("scenes", "tabletop.toml")["camera"][name]
    up = [0.0, 0.0, 1.0] if "mount" not in raw else [1.0, 0.0, 0.0]
    return raw.get("mount"), look_at(raw["eye_m"], raw["target_m"], up), raw["fovy_deg"]


def calibration() -> dict[str, Any]:
    """Where each camera sits: in the world, or in the tool's frame when it is on the hand.

    For each camera: `on_tool`, `pos_m` (3), `rot` (9, row-major; the camera looks along its -z)
    and `fovy_deg`.
    """
    known = {}
    for name in CAMERAS:
        link, pose, fovy_deg = _mount(name)
        seen = panda().tcp.inverse() @ pose if link == "hand" else pose
        pos, rot = seen.pos_m.tolist(), seen.rot.ravel().tolist()
        known[name] = {"on_tool": link == "hand", "pos_m": pos, "rot": rot, "fovy_deg": fovy_deg}
    return known


def project(seen: Camera, points_m: Array) -> Array:
    """Image coordinates of world points, (N, 3) → (N, 2): right and down, the frame is [-1, 1].

    Points behind the camera land far outside the frame.
    """
    local = (points_m - seen.pose.pos_m) @ seen.pose.rot
    depth = np.where(local[:, 2] < -NEAR_M, -local[:, 2], np.inf)
    scale = 1 / (np.tan(np.radians(seen.fovy_deg) / 2) * depth)
    inside = np.stack([local[:, 0] * scale, -local[:, 1] * scale], axis=1)
    return np.where(np.isfinite(depth)[:, None], inside, 9.0)


def camera(name: str, snapshot: Snapshot, bumps: Mapping[str, Pose] = UNMOVED) -> Camera:
    """The camera where it is now; a bump is a pose in the frame where it ought to be."""
    link, pose, fovy_deg = _mount(name)
    if link is not None:
        pose = link_poses(snapshot.q_rad, snapshot.width_m)[link] @ pose
    return Camera(pose @ bumps[name], fovy_deg)


def picture(scene: Scene, snapshot: Snapshot, light: Light | None = None) -> Picture:
    """Every primitive of the scene, placed as the snapshot says, in the usual light or another."""
    robot = link_poses(snapshot.q_rad, snapshot.width_m)
    geoms, positions, rotations = [], [], []
    placed = [(panda().body, robot)]
    placed += [(body, snapshot.link_poses(body)) for body in scene.bodies]
    for body, poses in placed:
        own = ((poses[link.name], geom) for link in body.links for geom in link.geoms)
        for number, (pose, geom) in enumerate(own):
            geoms.append(geom)
            hidden = (body.name, number) in snapshot.hidden
            positions.append(_NOWHERE_M if hidden else pose.pos_m + pose.rot @ geom.pose.pos_m)
            rotations.append(pose.rot @ geom.pose.rot)
    return Picture(tuple(geoms), np.array(positions), np.array(rotations), light or Light())
