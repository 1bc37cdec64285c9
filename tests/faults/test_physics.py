"""A simulation that diverges says nothing about the policy, and never passes for a success."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi0bench.envs.physics import ENGINES
from pi0bench.envs.physics.mujoco import MujocoWorld
from pi0bench.envs.physics.pybullet import PybulletWorld
from pi0bench.envs.pose import Pose
from pi0bench.envs.world_protocol import PhysicsFault, World
from pi0bench.evaluate.rollout import Outcome
from pi0bench.policy import registry
from pi0bench.task.tabletop_episode import Tabletop
from tests.worlds import MakeEnv

Play = Callable[..., list[Outcome]]
Wreck = Callable[[World], None]


def wreck_pose(world: World) -> None:
    world.set_pose("top", Pose(np.full(3, np.nan)))


def wreck_speed(world: World) -> None:
    if isinstance(world, MujocoWorld):
        world._data.qvel[:] = 1e200
    if isinstance(world, PybulletWorld):
        world._client.resetBaseVelocity(world._bodies["top"].index, [1e300] * 3, [1e300] * 3)


def wreck_arm(world: World) -> None:
    world.set_arm(np.full(7, np.nan), 0.04)


def wreck_fingers(world: World) -> None:
    world.set_arm(world.arm().q_rad, np.nan)


def wreck_targets(world: World) -> None:
    """MuJoCo takes controls that are not finite for zeros, and goes on."""
    world.set_arm_target(np.full(7, np.nan), 0.04)


WRECKS = [wreck_pose, wreck_speed, wreck_arm, wreck_fingers, wreck_targets]


@pytest.mark.parametrize("wreck", WRECKS)
def test_a_state_that_is_not_finite_is_a_fault(
    engine: str, wreck: Wreck, make_env: MakeEnv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = make_env("stack_two_cubes", engine)
    wreck(env.world)
    with pytest.raises(PhysicsFault):
        env.world.step(125)
    assert not list(tmp_path.iterdir()), "the engine left a file behind"


def test_a_joint_that_is_not_finite_is_a_fault(engine: str, make_env: MakeEnv) -> None:
    env = make_env("cube_in_drawer", engine)
    env.world.set_joints("cabinet", [np.nan])
    with pytest.raises(PhysicsFault):
        env.world.step(25)


@pytest.mark.parametrize("wreck", [wreck_pose, wreck_speed, wreck_arm])
def test_a_wrecked_state_is_not_put_back_to_its_start(wreck: Wreck, make_env: MakeEnv) -> None:
    """MuJoCo would do so in silence, and an episode could succeed from there."""
    world = make_env("stack_two_cubes", "mujoco").world
    assert isinstance(world, MujocoWorld)
    before_s = world._data.time
    wreck(world)
    with pytest.raises(PhysicsFault, match=r"MuJoCo diverged at 0\.\d+ s"):
        world.step(25)
    assert world._data.time > before_s > 0
    with pytest.raises(PhysicsFault):
        world.step(1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("wreck", [wreck_pose, wreck_speed, wreck_arm])
def test_a_wrecked_episode_is_no_success_and_not_measured(
    engine: str, wreck: Wreck, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Tabletop.step

    def step(env: Tabletop, *how: Any) -> Any:
        if env.steps == 5:
            wreck(env.world)
        return original(env, *how)

    monkeypatch.setattr(Tabletop, "step", step)
    (outcome,) = play(registry.load("expert"), "stack_two_cubes", engine=engine, episodes=1)
    record = outcome.record
    assert record.status == "env_fault"
    assert "diverged" in record.fault
    assert record.length <= 6
    assert not record.final
    assert record.success_s is None


def test_a_diverged_simulation_is_not_the_policys_fault(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Tabletop.step

    def step(env: Tabletop, *how: Any) -> Any:
        if env.steps == 5:
            raise PhysicsFault("velocities are not finite")
        return original(env, *how)

    monkeypatch.setattr(Tabletop, "step", step)
    (outcome,) = play(registry.load("random"), episodes=1)
    record = outcome.record
    assert (record.status, record.length) == ("env_fault", 5)
    assert record.fault == "PhysicsFault: velocities are not finite"
    assert not record.final
