"""The Panda arm: its links, and the one forward and inverse kinematics that both engines share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from pi0bench.envs.content_models import geoms_of, read
from pi0bench.envs.pose import Array, Pose, from_rpy, quat_of, quat_product, vector_of
from pi0bench.envs.scene import Body, Joint, Link

MAX_WIDTH_M = 0.08
FINGERS = ("finger_left", "finger_right")


@dataclass(frozen=True, eq=False)
class Panda:
    """The robot's body and its constants.

    Attributes:
        home_rad: ready posture, (7,), also the posture that the IK is pulled to.
        low_rad, high_rad: joint limits, (7,).
        max_speed_rad_s: of each joint, (7,).
        max_finger_speed_m_s: of each finger.
        servo: engine name → servo constants of that engine.
    """

    body: Body
    home_rad: Array
    low_rad: Array
    high_rad: Array
    max_speed_rad_s: Array
    max_finger_speed_m_s: float
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
    materials = {name: tuple(rgba) for name, rgba in raw["material"].items()}
    links, previous = [], None
    for row in raw["link"]:
        joint = None
        if "range_rad" in row:
            drive = row["torque_nm"], 1.0, row["armature_kg_m2"]
            joint = Joint("hinge", (0, 0, 1), tuple(row["range_rad"]), *drive)
        if "slide" in row:
            joint = Joint("slide", tuple(row["slide"]), (0, MAX_WIDTH_M / 2), 30.0, 1.0, 0.05)
        pose = from_rpy(row.get("pos_m", (0, 0, 0)), np.radians(row.get("rpy_deg", (0, 0, 0))))
        geoms = geoms_of(row["geom"], materials)
        parent = row.get("parent", previous)
        links.append(Link(row["name"], geoms, row["mass_kg"], parent, pose, joint))
        previous = row["name"]
    limits = np.array([k.joint.range for k in links if k.joint and k.joint.kind == "hinge"])
    return Panda(
        Body("panda", tuple(links)),
        np.array(raw["home_rad"]),
        limits[:, 0],
        limits[:, 1],
        np.array(raw["max_speed_rad_s"]),
        raw["max_finger_speed_m_s"],
        Pose(np.array([0, 0, raw["tcp_m"]])),
        raw["servo"],
    )


@cache
def _chain() -> Array:
    """Frame of each hinge at 0 in its parent, then of the tool in link7, (8, 4, 4)."""
    robot = panda()
    hand = next(link for link in robot.body.links if link.name == "hand")
    frames = [link.pose for link in robot.arm_links] + [hand.pose @ robot.tcp]
    chain = np.tile(np.eye(4), (8, 1, 1))
    chain[:, :3, :3], chain[:, :3, 3] = [f.rot for f in frames], [f.pos_m for f in frames]
    return chain


def _frames(q_rad: Array) -> Array:
    """Frames of link1 … link7 and of the tool in the base frames, (B, 7) → (8, B, 4, 4)."""
    chain = _chain()[:, None]
    frames = np.empty((8, len(q_rad), 4, 4))
    frames[:] = chain
    x, y = chain[:7, :, :, 0], chain[:7, :, :, 1]
    cos, sin = (f(q_rad).T[:, :, None] for f in (np.cos, np.sin))
    frames[:7, :, :, 0], frames[:7, :, :, 1] = cos * x + sin * y, cos * y - sin * x
    for link in range(1, 8):
        frames[link] = frames[link - 1] @ frames[link]
    return frames


def forward(q_rad: Array) -> Pose:
    """Pose of the tool centre point in the base frame, (7,) → Pose."""
    return _forward(np.asarray(q_rad, dtype=np.float64).tobytes())


@lru_cache(maxsize=64)
def _forward(q_rad: bytes) -> Pose:
    """Remembered, because predicates ask for the same posture again and again."""
    (tool,) = tool_frames(np.frombuffer(q_rad)[None])
    return Pose(tool[:3, 3], tool[:3, :3])


def tool_frames(q_rad: Array) -> Array:
    """See `forward`, for many arms at once: (B, 7) → (B, 4, 4), each as if it were alone."""
    return _frames(q_rad)[7]


def tool_quat_wxyz(q_rad: Array) -> Array:
    """Unit quaternion (w, x, y, z) of the tool in the base frame, (7,) → (4,), without a jump.

    A rotation has two quaternions. This is the product along the joints, as MuJoCo's quaternion of
    the hand is, which follows every movement: w may become negative.
    """
    *hinges, quat = map(quat_of, _chain()[:, :3, :3])
    for fixed, half_rad in zip(reversed(hinges), q_rad[::-1] / 2, strict=True):
        turn = quat_product(fixed, np.array([np.cos(half_rad), 0, 0, np.sin(half_rad)]))
        quat = quat_product(turn, quat)
    return quat


def link_poses(q_rad: Array, width_m: float) -> dict[str, Pose]:
    """Pose of every link of the robot, by name, for drawing and for checks."""
    frames = _frames(q_rad[None])[:, 0]
    poses: dict[str, Pose] = {}
    hinge = 0
    for link in panda().body.links:
        if link.joint and link.joint.kind == "hinge":
            poses[link.name] = Pose(frames[hinge, :3, 3], frames[hinge, :3, :3])
            hinge += 1
            continue
        slid = link.pose
        if link.joint:
            slid = link.pose @ Pose(np.array(link.joint.axis) * width_m / 2)
        poses[link.name] = poses[link.parent] @ slid if link.parent else slid
    return poses


def jacobian(q_rad: Array) -> Array:
    """Geometric Jacobian of the tool centre point, (6, 7): linear rows first."""
    return _jacobian(_frames(q_rad[None]))[0]


def _jacobian(frames: Array) -> Array:
    """(8, B, 4, 4) → (B, 6, 7)."""
    axes, arms = frames[:7, :, :3, 2], frames[7, :, :3, 3] - frames[:7, :, :3, 3]
    jac = np.empty((frames.shape[1], 6, 7))
    forth = axes[..., [1, 2, 0]] * arms[..., [2, 0, 1]]
    jac[:, :3] = (forth - axes[..., [2, 0, 1]] * arms[..., [1, 2, 0]]).transpose(1, 2, 0)
    jac[:, 3:] = axes.transpose(1, 2, 0)
    return jac


def inverse(goal: Pose, q_rad: Array, *, iterations: int = 3) -> Array:
    """Joint angles that bring the tool to `goal`, searched from `q_rad`, (7,) → (7,).

    Always inside the joint limits, and the nearest it got when the goal is out of reach.
    """
    pos_m, rot, q = goal.pos_m[None], goal.rot[None], np.asarray(q_rad)[None]
    return inverse_all(pos_m, rot, q, iterations=iterations)[0]


def inverse_all(
    pos_m: Array, rot: Array, q_rad: Array, *, iterations: int = 3, damping: float = 0.05
) -> Array:
    """See `inverse`, for many arms at once, (B, 3), (B, 3, 3), (B, 7) → (B, 7).

    Damped least squares with a pull to the home posture in the null space. Each arm moves as if it
    were alone: nothing is added up, and no product taken, over the batch.

    Source: Buss 2004, eqs. 11 and 17.
    """
    robot = panda()
    q, error = np.array(q_rad, dtype=np.float64), np.empty((len(q_rad), 6, 1))
    damped = damping**2 * np.eye(6)
    for _ in range(iterations):
        frames = _frames(q)
        tool = frames[7]
        error[:, :3, 0] = pos_m - tool[:, :3, 3]
        turns = rot @ tool[:, :3, :3].swapaxes(1, 2)
        error[:, 3:, 0] = [vector_of(turn) for turn in turns]
        jac = _jacobian(frames)
        back = jac.swapaxes(1, 2)
        pull = 0.02 * (robot.home_rad - q)[:, :, None]
        step = back @ np.linalg.solve(jac @ back + damped, error - jac @ pull) + pull
        q = (q + step[:, :, 0]).clip(robot.low_rad, robot.high_rad)
    return q
