"""What a robot feels of itself, in whatever engine its arm moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array, Pose

PROPRIO_DIM = 10


def proprio(tool: Pose, width_m: float, commanded_m: Array) -> NDArray[np.float32]:
    """Proprioception, (10,).

    Measured tool position (3, m), sine and cosine of its heading, its tilt from straight down
    (1, rad), opening (1, m), commanded minus measured position (3, m).
    """
    yaw = tool.yaw_rad()
    tilt = float(np.arccos(np.clip(-tool.rot[2, 2], -1, 1)))
    lag = commanded_m - tool.pos_m
    return np.array([*tool.pos_m, np.sin(yaw), np.cos(yaw), tilt, width_m, *lag], np.float32)
