"""From a policy's action to joint targets: the same controller over either engine."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.content_models import read
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, forward, inverse
from pi0bench.envs.pose import Array, Pose, rot_of
from pi0bench.envs.world_protocol import PHYSICS_HZ, World

ACTION_DIM = 7
OPEN, SHUT = 1.0, -1.0
"""What an action's last number says to the gripper."""
DEFAULT_HZ = 20
"""Actions a second, where nothing else is asked."""
MAX_SPEED_M_S = 0.6
MAX_TURN_RAD_S = 3.0
_SUB_INTERVALS = 5
_MAX_LAG_M = 0.05


class Controller:
    """End-effector deltas to joint targets.

    An action is (dx, dy, dz, rotation vector, gripper) in the base frame, each in [-1, 1]. The
    first six are fractions of the greatest speeds; the gripper is a position: -1 shut, 1 open.
    The deltas integrate the *commanded* pose, which is kept within 5 cm of the measured one and
    inside the workspace.
    """

    def __init__(self, world: World, control_hz: int = DEFAULT_HZ) -> None:
        if PHYSICS_HZ % control_hz:
            raise ValueError(f"control_hz must divide {PHYSICS_HZ}; got {control_hz}")
        self._world = world
        self._steps = PHYSICS_HZ // control_hz
        self._move_m = MAX_SPEED_M_S / control_hz
        self._turn_rad = MAX_TURN_RAD_S / control_hz
        raw = read("scenes", "tabletop.toml")
        self._low, self._high = np.array(raw["workspace_low_m"]), np.array(raw["workspace_high_m"])
        self._q = world.arm().q_rad
        self.goal = forward(self._q)

    def act(self, action: Array) -> None:
        """Carry out one action, (7,), for one control step.

        Raises:
            PhysicsFault: the simulation diverged.
        """
        action = np.clip(action, -1.0, 1.0)
        measured = forward(self._world.arm().q_rad)
        self.goal = self._next_goal(action, measured)
        q = inverse(self.goal, self._q)
        width = (float(action[6]) + 1) / 2 * MAX_WIDTH_M
        done = 0
        for part in range(1, _SUB_INTERVALS + 1):
            fraction = part / _SUB_INTERVALS
            self._world.set_arm_target(self._q + fraction * (q - self._q), width)
            self._world.step(round(self._steps * fraction) - done)
            done = round(self._steps * fraction)
        self._q = q

    def _next_goal(self, action: Array, measured: Pose) -> Pose:
        pos = np.clip(self.goal.pos_m + action[:3] * self._move_m, self._low, self._high)
        lag = pos - measured.pos_m
        if (far := float(np.linalg.norm(lag))) > _MAX_LAG_M:
            pos = measured.pos_m + lag * (_MAX_LAG_M / far)
        return Pose(pos, rot_of(action[3:6] * self._turn_rad) @ self.goal.rot)
