"""No action moves a joint or a finger faster than the real robot's can."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.envs.controller import Controller
from pi0bench.envs.panda_kinematics import panda
from pi0bench.envs.world_protocol import PHYSICS_HZ, World
from tests.envs.conftest import MakeBare

WINDOW = 5
"""Physics steps over which a speed is measured: 10 ms."""


class Watched:
    """A world that notes its arm after every physics step, and every target it is given."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.q_rad, self.width_m = [world.arm().q_rad], [world.arm().width_m]
        self.wanted_rad, self.wanted_m, self.given_at = [], [], [0]
        step, set_arm_target = world.step, world.set_arm_target

        def noted_step(n: int) -> None:
            for _ in range(n):
                step(1)
                self.q_rad.append(world.arm().q_rad)
                self.width_m.append(world.arm().width_m)
            self.given_at.append(len(self.q_rad) - 1)

        def noted_target(q_rad: np.ndarray, width_m: float) -> None:
            set_arm_target(q_rad, width_m)
            self.wanted_rad.append(q_rad)
            self.wanted_m.append(width_m)

        monkeypatch.setattr(world, "step", noted_step)
        monkeypatch.setattr(world, "set_arm_target", noted_target)

    def speeds(self, values: list) -> np.ndarray:
        """Speeds over each window."""
        moved = np.array(values[WINDOW:]) - np.array(values[:-WINDOW])
        return np.abs(moved) * PHYSICS_HZ / WINDOW

    def commanded(self, values: list, start: object) -> np.ndarray:
        """Speeds that the targets ask for, each over the steps that it is given."""
        steps = np.diff(self.given_at)
        moved = np.abs(np.diff(np.array([start, *values]), axis=0))
        return (moved.T * PHYSICS_HZ / steps).T


@pytest.mark.parametrize("control_hz", [10, 20, 50])
@pytest.mark.parametrize("hold", [1, 6])
def test_joints_and_fingers_keep_their_limits_under_random_actions(
    engine: str,
    hold: int,
    control_hz: int,
    make_bare: MakeBare,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = make_bare(engine)
    watched, controller = Watched(world, monkeypatch), Controller(world, control_hz)
    actions, start = np.random.default_rng(hold).choice([-1.0, 1.0], (200, 7)), world.arm()
    for number in range(4 * control_hz):
        controller.act(actions[number // hold])
    limits = panda().max_speed_rad_s
    asked = watched.commanded(watched.wanted_rad, start.q_rad) / limits
    fingers = watched.commanded(watched.wanted_m, start.width_m) / 2
    assert asked.max() == pytest.approx(1, abs=1e-6)
    assert fingers.max() == pytest.approx(panda().max_finger_speed_m_s, abs=1e-6)
    # A servo that fell behind, as the wrist's little torque makes it, overtakes to catch up.
    assert (watched.speeds(watched.q_rad) / limits).max() < 1.5
    assert watched.speeds(watched.width_m).max() / 2 < 0.101
