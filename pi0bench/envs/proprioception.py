"""What a robot feels of itself, in whatever engine its arm moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array, Pose

PROPRIO_DIM = 13


def proprio(tool: Pose, width_m: float, commanded_m: Array) -> NDArray[np.float32]:
    """Proprioception, (13,).

    Measured tool position (3, m), the first two columns of its rotation matrix (6), opening (1, m),
    commanded minus measured position (3, m).

    Source of the rotation's six numbers, which never jump: Zhou et al. 2019, eq. 15.
    """
    rotation, lag = tool.rot[:, :2].T.ravel(), commanded_m - tool.pos_m
    return np.array([*tool.pos_m, *rotation, width_m, *lag], np.float32)
