"""From a policy's action to joint targets: the same controller over either engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pi0bench.envs.content_models import read
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, forward, inverse_all, panda, tool_frames
from pi0bench.envs.pose import Array, Pose, rot_of
from pi0bench.envs.world_protocol import PHYSICS_HZ, World
from pi0bench.errors import UsageError

ACTION_DIM = 7
OPEN, SHUT = 1.0, -1.0
"""What an action's last number says to the gripper."""
DEFAULT_HZ = 20
"""Actions a second, where nothing else is asked."""
CONTROL_HZ = tuple(hz for hz in range(10, 101) if PHYSICS_HZ % hz == 0)
"""Rates at which a robot can be controlled."""
MAX_SPEED_M_S = 0.6
MAX_TURN_RAD_S = 3.0
_TARGET_STEPS = 5  # physics steps for which the servos keep a target, at most
_MAX_LAG_M = 0.05
_MAX_LEAD_M = 0.02  # of the gripper's target before its measured opening


def known_rate(name: str, control_hz: int) -> None:
    """See that a robot can be controlled so many times a second; `name` is who asks for it.

    Raises:
        UsageError: it cannot.
    """
    if control_hz not in CONTROL_HZ:
        rates = ", ".join(map(str, CONTROL_HZ))
        said = f"must be one of {rates} (they divide {PHYSICS_HZ})"
        raise UsageError(f"{name} {said}; got {control_hz}")


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
        self._most = np.repeat([MAX_SPEED_M_S / control_hz, MAX_TURN_RAD_S / control_hz], 3)
        raw = read("scenes", "tabletop.toml")
        low, (*high, top) = raw["workspace_low_m"], raw["workspace_high_m"]
        self._workspace_m = low, (*high, top if ceiling_m is None else ceiling_m)
        self._most_turn_rad = panda().max_speed_rad_s / control_hz
        arm = world.arm()
        self._q, self._width_m = arm.q_rad, arm.wanted_width_m
        self.goal = forward(self._q)

    def act(self, action: Array, turn_rad: Array | None = None) -> None:
        """Carry out one action, (7,), for one control step.

        Args:
            action: numbers beyond -1 and 1 count as these.
            turn_rad: of the joints, (7,), where `aim` has been asked for it already.

        Raises:
            PhysicsFault: the simulation diverged.
        """
        turn = aim([self], np.array([action]))[0] if turn_rad is None else turn_rad
        width_m = (min(max(float(action[6]), -1.0), 1.0) + 1) / 2 * MAX_WIDTH_M
        done, parts = 0, -(-self._steps // _TARGET_STEPS)
        for part in range(1, parts + 1):
            fraction = part / parts
            steps = round(self._steps * fraction) - done
            target_rad = self._q + fraction * turn
            self._world.set_arm_target(target_rad, self._next_width(width_m, steps))
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
        near_m = min(max(wanted_m, measured_m - _MAX_LEAD_M), measured_m + _MAX_LEAD_M)
        self._width_m += min(max(near_m - self._width_m, -slew_m), slew_m)
        return self._width_m


def aim(robots: Sequence[Controller], actions: Array) -> Array:
    """Move the goals of several robots, each by its action, (B, 7).

    It is quicker for all at once, and for each the same, bit for bit, as if it were alone.

    Returns:
        How the joints are to turn in this control step, (B, 7), radians.
    """
    q_rad = np.array([robot._q for robot in robots])
    pos_m, rot = _next_goals(robots, np.clip(actions, -1.0, 1.0))
    turns_rad = inverse_all(pos_m, rot, q_rad) - q_rad
    most_rad = np.array([robot._most_turn_rad for robot in robots])
    excess = (np.abs(turns_rad) / most_rad).max(axis=1)
    fast = excess > 1
    if fast.any():
        turns_rad[fast] /= excess[fast, None]
        reached = tool_frames((q_rad + turns_rad)[fast])
        pos_m[fast], rot[fast] = reached[:, :3, 3], reached[:, :3, :3]
    for robot, *goal in zip(robots, pos_m, rot, strict=True):
        robot.goal = Pose(*goal)
    return turns_rad


def _next_goals(robots: Sequence[Controller], actions: Array) -> tuple[Array, Array]:
    """Positions (B, 3) and rotations (B, 3, 3) of the commanded poses after the actions."""
    steps = actions[:, :6] * np.array([robot._most for robot in robots])
    low, high = (np.array([robot._workspace_m[i] for robot in robots]) for i in (0, 1))
    pos = np.clip(np.array([r.goal.pos_m for r in robots]) + steps[:, :3], low, high)
    tools = tool_frames(np.array([robot._world.arm().q_rad for robot in robots]))
    measured = tools[:, :3, 3]
    lag = pos - measured
    far = np.sqrt((lag * lag).sum(axis=1, keepdims=True))
    near = measured + lag * (_MAX_LAG_M / np.maximum(far, _MAX_LAG_M))
    rot = rot_of(steps[:, 3:]) @ np.array([robot.goal.rot for robot in robots])
    return np.where(far > _MAX_LAG_M, near, pos), rot
