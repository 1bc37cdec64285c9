"""The expert that is wrong about where one thing is."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.task.expert.misjudged_world import Misjudgement, misjudged
from tests.worlds import MakeEnv

ERROR = Misjudgement(0.030, -0.010, 0.2)


def test_one_thing_is_believed_to_be_elsewhere(make_env: MakeEnv) -> None:
    world = make_env("stack_two_cubes", "mujoco").world
    believed = misjudged(world, "base", ERROR)
    moved = believed.pose("base").pos_m - world.pose("base").pos_m
    assert np.allclose(moved, [0.030, -0.010, 0])
    assert np.isclose(believed.root_pose("base").yaw_rad() - world.pose("base").yaw_rad(), 0.2)
    assert np.array_equal(believed.pose("top").pos_m, world.pose("top").pos_m)
    assert believed.scene is world.scene
    assert believed.arm().width_m == world.arm().width_m


def test_only_where_a_thing_is_brought_is_misjudged(make_env: MakeEnv) -> None:
    """The cube is gripped as ever, and put as far off as the error says."""
    env = make_env("stack_two_cubes", "mujoco")
    while env.verdict.stages < 2:
        assert np.array_equal(env.expert_action(ERROR), env.expert_action())
        env.step(env.expert_action(ERROR))
    while not env.over:
        env.step(env.expert_action(ERROR))
    assert not env.succeeded
    off = env.world.pose("top").pos_m - env.world.pose("base").pos_m
    assert np.allclose(off[:2], [0.030, -0.010], atol=0.003)


@pytest.mark.parametrize("task_id", ["press_button", "open_drawer"])
def test_where_nothing_is_brought_the_thing_itself_is_misjudged(
    make_env: MakeEnv, task_id: str
) -> None:
    env = make_env(task_id, "mujoco")
    assert not np.array_equal(env.expert_action(ERROR), env.expert_action())
