"""Rigid poses: a position in metres and a rotation matrix."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _frozen(value: Any) -> Array:
    array = np.array(value, dtype=np.float64)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Pose:
    """A frame seen from another one.

    Attributes:
        pos_m: origin, (3,).
        rot: rotation matrix, (3, 3).
    """

    pos_m: Array = field(default_factory=lambda: np.zeros(3))
    rot: Array = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        object.__setattr__(self, "pos_m", _frozen(self.pos_m))
        object.__setattr__(self, "rot", _frozen(self.rot))

    def __matmul__(self, other: Pose) -> Pose:
        return Pose(self.pos_m + self.rot @ other.pos_m, self.rot @ other.rot)

    def inverse(self) -> Pose:
        """The pose of the outer frame seen from this one."""
        return Pose(-self.rot.T @ self.pos_m, self.rot.T)

    def quat_wxyz(self) -> Array:
        """Unit quaternion (w, x, y, z) with w ≥ 0, (4,)."""
        return quat_of(self.rot)

    def yaw_rad(self) -> float:
        """Heading of the x axis in the horizontal plane."""
        return float(np.arctan2(self.rot[1, 0], self.rot[0, 0]))


def from_quat(pos_m: Any, quat_wxyz: Any) -> Pose:
    """A pose from a position and a quaternion (w, x, y, z) of any length."""
    w, x, y, z = np.asarray(quat_wxyz, dtype=np.float64) / np.linalg.norm(quat_wxyz)
    rot: Any = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return Pose(pos_m, rot)


def look_at(eye_m: Any, target_m: Any, up: Any) -> Pose:
    """The pose of a camera that looks from one point to another along its -z axis, y upwards."""
    eye, target = np.array(eye_m, float), np.array(target_m, float)
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    return Pose(eye, np.stack([right, np.cross(back, right), back], axis=1))


def hand_heading_rad(rot: Array) -> float:
    """Heading of the straight-down tool that is nearest to this rotation, (3, 3).

    Unlike the heading of its x axis it does not jump when the hand is tilted by a right angle.
    """
    return float(np.arctan2(rot[0, 1] + rot[1, 0], rot[0, 0] - rot[1, 1]))


def downward(yaw_rad: float) -> Array:
    """Rotation of a tool that points straight down with that heading, (3, 3)."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[c, s, 0.0], [s, -c, 0.0], [0.0, 0.0, -1.0]])


def from_rpy(pos_m: Any, rpy_rad: Any) -> Pose:
    """A pose from roll, pitch, yaw about the fixed x, y, z axes (the URDF convention)."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(rpy_rad), np.sin(rpy_rad)
    rot: Any = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    return Pose(pos_m, rot)


def quat_of(rot: Array) -> Array:
    """Unit quaternion (w, x, y, z), w ≥ 0, of a rotation matrix (Shepperd 1978)."""
    r = rot.tolist()  # plain numbers: this runs dozens of times a control step
    trace = r[0][0] + r[1][1] + r[2][2]
    squares = [trace, r[0][0], r[1][1], r[2][2]]
    best = squares.index(max(squares))
    if best == 0:
        quat = [1 + trace, r[2][1] - r[1][2], r[0][2] - r[2][0], r[1][0] - r[0][1]]
    else:
        i, j, k = best - 1, best % 3, (best + 1) % 3
        quat = [r[k][j] - r[j][k], 0.0, 0.0, 0.0]
        quat[1 + i] = 1 + r[i][i] - r[j][j] - r[k][k]
        quat[1 + j] = r[j][i] + r[i][j]
        quat[1 + k] = r[k][i] + r[i][k]
    size = math.copysign(math.hypot(*quat), quat[0])
    return np.array([number / size for number in quat])


def quat_product(a_wxyz: Array, b_wxyz: Array) -> Array:
    """The turn b and then the turn a, as a quaternion, (4,)."""
    (w, x, y, z), (s, i, j, k) = a_wxyz.tolist(), b_wxyz.tolist()
    return np.array(
        [
            w * s - x * i - y * j - z * k,
            w * i + x * s + y * k - z * j,
            w * j - x * k + y * s + z * i,
            w * k + x * j - y * i + z * s,
        ]
    )


def rot_of(vector_rad: Array) -> Array:
    """Rotation matrices of rotation vectors, (..., 3) → (..., 3, 3) (Rodrigues)."""
    x, y, z = np.moveaxis(vector_rad, -1, 0)
    angle = np.sqrt(x * x + y * y + z * z)[..., None, None]
    cross = np.zeros((*x.shape, 3, 3))
    cross[..., 0, 1], cross[..., 0, 2], cross[..., 1, 2] = -z, y, -x
    cross[..., 1, 0], cross[..., 2, 0], cross[..., 2, 1] = z, -y, x
    cross /= np.maximum(angle, 1e-12)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)


def vector_of(rot: Array) -> Array:
    """Rotation vector of a rotation matrix, (3, 3) → (3,), length in [0, π]."""
    return vector_of_quat(quat_of(rot))


def vector_of_quat(quat_wxyz: Array) -> Array:
    """Rotation vector of a unit quaternion, (4,) → (3,), length in [0, 2π]: above π where w < 0."""
    w, *xyz = quat_wxyz.tolist()
    sine = math.hypot(*xyz)
    if sine < 1e-12:
        return np.zeros(3)
    return np.array(xyz) * (2 * math.atan2(sine, w) / sine)
