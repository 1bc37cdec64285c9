"""From a policy's action to joint targets: the same controller over either engine."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.content_models import read
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, forward, inverse, panda
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
_MAX_LEAD_M = 0.02  # of the gripper's target before its measured opening


class Controller:
    """End-effector deltas to joint targets.

    An action is (dx, dy, dz, rotation vector, gripper) in the base frame, each in [-1, 1]. The
    first six are fractions of the greatest speeds; the gripper is a position: -1 shut, 1 open.
    The deltas integrate the *commanded* pose, which is kept within 5 cm of the measured one and
    inside the workspace, below `ceiling_m` where a task has one. No joint and no finger is told to
    move faster than the real robot's can: a movement that would need it is shortened as a whole.
    """

    def __init__(
        self, world: World, control_hz: int = DEFAULT_HZ, ceiling_m: float | None = None
    ) -> None:
        if PHYSICS_HZ % control_hz:
            raise ValueError(f"control_hz must divide {PHYSICS_HZ}; got {control_hz}")
        self._world = world
        self._steps = PHYSICS_HZ // control_hz
        self._move_m = MAX_SPEED_M_S / control_hz
        self._turn_rad = MAX_TURN_RAD_S / control_hz
        raw = read("scenes", "tabletop.toml")
        self._low, self._high = np.array(raw["workspace_low_m"]), np.array(raw["workspace_high_m"])
        if ceiling_m is not None:
            self._high[2] = ceiling_m
        self._turns_rad = panda().max_speed_rad_s / control_hz
        arm = world.arm()
        self._q, self._width_m = arm.q_rad, arm.wanted_width_m
        self.goal = forward(self._q)

    def act(self, action: Array) -> None:
        """Carry out one action, (7,), for one control step.

        Raises:
            PhysicsFault: the simulation diverged.
        """
        action = np.clip(action, -1.0, 1.0)
        self.goal = self._next_goal(action, forward(self._world.arm().q_rad))
        turn = inverse(self.goal, self._q) - self._q
        too_fast = float(np.max(np.abs(turn) / self._turns_rad))
        if too_fast > 1:
            turn /= too_fast
            self.goal = forward(self._q + turn)
        width_m = (float(action[6]) + 1) / 2 * MAX_WIDTH_M
        done = 0
        for part in range(1, _SUB_INTERVALS + 1):
            fraction = part / _SUB_INTERVALS
            steps = round(self._steps * fraction) - done
            self._world.set_arm_target(self._q + fraction * turn, self._next_width(width_m, steps))
            self._world.step(steps)
            done += steps
        self._q = self._q + turn

    def state(self) -> tuple[Array, float, Pose]:
        """What it has commanded so far."""
        return self._q, self._width_m, self.goal

    def set_state(self, state: tuple[Array, float, Pose]) -> None:
        """Go on from what it had commanded then."""
        self._q, self._width_m, self.goal = state

    def _next_width(self, wanted_m: float, steps: int) -> float:
        """The gripper's target for the next physics steps, on its way to the wanted opening."""
        slew_m = 2 * panda().max_finger_speed_m_s * steps / PHYSICS_HZ
        measured_m = self._world.arm().width_m
        near_m = float(np.clip(wanted_m, measured_m - _MAX_LEAD_M, measured_m + _MAX_LEAD_M))
        self._width_m += float(np.clip(near_m - self._width_m, -slew_m, slew_m))
        return self._width_m

    def _next_goal(self, action: Array, measured: Pose) -> Pose:
        pos = np.clip(self.goal.pos_m + action[:3] * self._move_m, self._low, self._high)
        lag = pos - measured.pos_m
        if (far := float(np.linalg.norm(lag))) > _MAX_LAG_M:
            pos = measured.pos_m + lag * (_MAX_LAG_M / far)
        return Pose(pos, rot_of(action[3:6] * self._turn_rad) @ self.goal.rot)
