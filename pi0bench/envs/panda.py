"""The Panda arm: its links, and the one forward and inverse kinematics that both engines share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from pi0bench.envs.models import geoms_of, read
from pi0bench.envs.pose import Array, Pose, from_rpy, vector_of
from pi0bench.envs.scene import Body, Joint, Link

MAX_WIDTH_M = 0.08
FINGERS = ("finger_left", "finger_right")


@dataclass(frozen=True, eq=False)
class Panda:
    """The robot's body and its constants.

    Attributes:
        home_rad: ready posture, (7,), also the posture that the IK is pulled to.
        low_rad, high_rad: joint limits, (7,).
        servo: engine name → servo constants of that engine.
    """

    body: Body
    home_rad: Array
    low_rad: Array
    high_rad: Array
    tcp: Pose
    servo: dict[str, dict[str, Any]]

    @property
    def arm_links(self) -> tuple[Link, ...]:
        """link1 … link7, each with its hinge."""
        return tuple(link for link in self.body.links if link.joint and link.joint.kind == "hinge")


@cache
def panda() -> Panda:
    """The robot of envs/robots/panda/panda.toml."""
    raw = read("robots", "panda", "panda.toml")
    looks = {name: tuple(rgba) for name, rgba in raw["look"].items()}
    links, previous = [], None
    for row in raw["link"]:
        joint = None
        if "range_rad" in row:
            drive = row["torque_nm"], 1.0, raw["armature_kg_m2"]
            joint = Joint("hinge", (0, 0, 1), tuple(row["range_rad"]), *drive)
        if "slide" in row:
            joint = Joint("slide", tuple(row["slide"]), (0, MAX_WIDTH_M / 2), 30.0, 1.0, 0.05)
        pose = from_rpy(row.get("pos_m", (0, 0, 0)), np.radians(row.get("rpy_deg", (0, 0, 0))))
        geoms = geoms_of(row["geom"], looks)
        parent = row.get("parent", previous)
        links.append(Link(row["name"], geoms, row["mass_kg"], parent, pose, joint))
        previous = row["name"]
    limits = np.array([k.joint.range for k in links if k.joint and k.joint.kind == "hinge"])
    return Panda(
        Body("panda", tuple(links)),
        np.array(raw["home_rad"]),
        limits[:, 0],
        limits[:, 1],
        Pose(np.array([0, 0, raw["tcp_m"]])),
        raw["servo"],
    )


@cache
def _chain() -> tuple[tuple[Array, Array], ...]:
    """Origin (3,) and rotation (3, 3) of each hinge in its parent, then of the tool in link7."""
    robot = panda()
    hand = next(link for link in robot.body.links if link.name == "hand")
    frames = [link.pose for link in robot.arm_links] + [hand.pose @ robot.tcp]
    return tuple((frame.pos_m, frame.rot) for frame in frames)


def _turn(rot: Array, angle: float) -> Array:
    """Return rot · Rz(angle), written out because it runs fifty times a control step."""
    c, s = np.cos(angle), np.sin(angle)
    out = rot.copy()
    out[:, 0] = c * rot[:, 0] + s * rot[:, 1]
    out[:, 1] = c * rot[:, 1] - s * rot[:, 0]
    return out


def _frames(q_rad: Array) -> tuple[Array, Array]:
    """World origins (8, 3) and rotations (8, 3, 3) of link1 … link7 and of the tool."""
    origins, rots = np.empty((8, 3)), np.empty((8, 3, 3))
    pos, rot = np.zeros(3), np.eye(3)
    for i, (offset, turn) in enumerate(_chain()):
        pos = pos + rot @ offset
        rot = rot @ turn
        if i < 7:
            rot = _turn(rot, q_rad[i])
        origins[i], rots[i] = pos, rot
    return origins, rots


def forward(q_rad: Array) -> Pose:
    """Pose of the tool centre point in the base frame, (7,) → Pose."""
    origins, rots = _frames(q_rad)
    return Pose(origins[7], rots[7])


def link_poses(q_rad: Array, width_m: float) -> dict[str, Pose]:
    """Pose of every link of the robot, by name, for drawing and for checks."""
    origins, rots = _frames(q_rad)
    poses: dict[str, Pose] = {}
    hinge = 0
    for link in panda().body.links:
        if link.joint and link.joint.kind == "hinge":
            poses[link.name] = Pose(origins[hinge], rots[hinge])
            hinge += 1
            continue
        slid = link.pose
        if link.joint:
            slid = link.pose @ Pose(np.array(link.joint.axis) * width_m / 2)
        poses[link.name] = poses[link.parent] @ slid if link.parent else slid
    return poses


def jacobian(q_rad: Array) -> Array:
    """Geometric Jacobian of the tool centre point, (6, 7): linear rows first."""
    return _jacobian(*_frames(q_rad))


def _jacobian(origins: Array, rots: Array) -> Array:
    x, y, z = rots[:7, :, 2].T
    u, v, w = (origins[7] - origins[:7]).T
    return np.array([y * w - z * v, z * u - x * w, x * v - y * u, x, y, z])


def inverse(goal: Pose, q_rad: Array, *, iterations: int = 3, damping: float = 0.05) -> Array:
    """Joint angles that bring the tool to `goal`, searched from `q_rad`, (7,) → (7,).

    Damped least squares with a pull to the home posture in the null space; always inside the
    joint limits, and the nearest it got when the goal is out of reach.

    Source: Buss 2004, eqs. 11 and 17.
    """
    robot = panda()
    q = np.array(q_rad, dtype=np.float64)
    for _ in range(iterations):
        origins, rots = _frames(q)
        error = np.concatenate([goal.pos_m - origins[7], vector_of(goal.rot @ rots[7].T)])
        jac = _jacobian(origins, rots)
        inner = jac @ jac.T + damping**2 * np.eye(6)
        pull = 0.02 * (robot.home_rad - q)
        step = jac.T @ np.linalg.solve(inner, error - jac @ pull) + pull
        q = np.clip(q + step, robot.low_rad, robot.high_rad)
    return q
