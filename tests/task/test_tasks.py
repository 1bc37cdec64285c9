"""Laws that hold for every task of the benchmark, in both engines."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, link_poses, panda
from pi0bench.envs.scene import Scene
from pi0bench.random_streams import stream
from pi0bench.task.expert.moving_things import along_m_s
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop, make_world
from pi0bench.task.task_files import task
from pi0bench.task.task_spec import TaskSpec

SETTLE_S = 0.1
FEW = {"mujoco": 3, "pybullet": 2}
"""Start states where the slow tests have a hundred."""
Policy = Callable[[Tabletop, np.random.Generator], np.ndarray]


def expert(env: Tabletop, rng: np.random.Generator) -> np.ndarray:
    return env.expert_action()


def zero(env: Tabletop, rng: np.random.Generator) -> np.ndarray:
    return np.zeros(7)


def random(env: Tabletop, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-1, 1, 7)


def start(spec: TaskSpec, engine: str, seed: int) -> Tabletop:
    return Tabletop(spec, place(spec, stream("evaluation", 0, spec.id, seed)), engine)


def episode(spec: TaskSpec, engine: str, seed: int, policy: Policy) -> Tabletop:
    """The world as an episode left it, closed."""
    env, rng = start(spec, engine, seed), stream("noise", 0, spec.id, seed)
    while env.steps < env.max_steps and not env.succeeded:
        env.step(policy(env, rng))
    env.close()
    return env


def successes(spec: TaskSpec, engine: str, seeds: range, policy: Policy) -> int:
    return sum(episode(spec, engine, seed, policy).succeeded for seed in seeds)


def test_nothing_is_done_and_nothing_moves_at_the_start(spec: TaskSpec, engine: str) -> None:
    for seed in range(2):
        env = start(spec, engine, seed)
        assert not env.goal()
        assert env.verdict.stages == 0
        assert env.step(np.zeros(7)).stages == 0
        names = env.world.scene.free_names
        after_1_s = {
            name: env.world.pose(name).pos_m + along_m_s(env.world, name) for name in names
        }
        for _ in range(20):
            env.step(np.zeros(7))
        for name in names:
            assert np.linalg.norm(env.world.pose(name).pos_m - after_1_s[name]) < 0.002, name
        env.close()


def test_nothing_is_inside_another_thing_at_the_start(spec: TaskSpec, engine: str) -> None:
    for seed in range(4):
        layout = place(spec, stream("evaluation", 0, spec.id, seed))
        env = Tabletop(spec, layout, engine)
        world = env.world
        things = [body.name for body in layout.bodies]
        on = {(item.name, item.place.base) for item in spec.objects}
        for a, b in combinations(things, 2):
            assert world.contact(a, b) == bool({(a, b), (b, a)} & on)
        for link in panda().body.links:
            assert not any(world.contact(thing, link.name) for thing in things)
            assert not world.contact("table", link.name)
        for body in layout.bodies:  # not pushed out of the table, nor sunk into it
            moved = world.root_pose(body.name).pos_m - body.pose.pos_m
            settling = along_m_s(world, body.name) * SETTLE_S * body.free
            assert np.abs(moved - settling).max() < 0.001
        env.close()


def test_the_expert_reaches_every_stage_and_the_goal(spec: TaskSpec, engine: str) -> None:
    for seed in range(FEW[engine]):  # the slow test has a hundred
        env = episode(spec, engine, seed, expert)
        assert env.succeeded, f"seed {seed}"
        assert env.verdict.progress > 0.95 if spec.score else env.verdict.progress == 1.0
        assert env.verdict.goal_steps == env.hold_steps
        assert env.steps < 0.8 * env.max_steps


@pytest.mark.slow
def test_the_expert_nearly_always_succeeds(spec: TaskSpec, engine: str) -> None:
    assert successes(spec, engine, range(100), expert) >= 98


@pytest.mark.parametrize("policy", [zero, random])
def test_no_task_does_itself(spec: TaskSpec, engine: str, policy: Policy) -> None:
    assert successes(spec, engine, range(100, 100 + FEW[engine] - 1), policy) == 0


@pytest.mark.slow
@pytest.mark.parametrize("policy", [zero, random])
def test_no_task_does_itself_in_a_hundred_episodes(
    spec: TaskSpec, engine: str, policy: Policy
) -> None:
    assert successes(spec, engine, range(100), policy) <= 2


def test_success_must_hold(engine: str) -> None:
    """The goal is reached and left again at once: that is no success."""
    spec = task("reach_cube")
    env = start(spec, engine, 0)
    while env.verdict.goal_steps == 0:
        env.step(env.expert_action())
    assert env.goal()
    assert not env.succeeded
    up = np.array([0, 0, 1, 0, 0, 0, -1.0])
    for _ in range(5):
        env.step(up)
    assert not env.goal()
    assert env.verdict.goal_steps == 0
    assert env.verdict.progress == 1.0
    env.close()


def test_a_cube_in_the_hand_touches_it(engine: str) -> None:
    """So the law that nothing starts inside another thing can fail."""
    cube = content_models.instance("x", "cube", link_poses(panda().home_rad, MAX_WIDTH_M)["hand"])
    world = make_world(engine, Scene(panda().body, (cube,)))
    world.set_arm(panda().home_rad, MAX_WIDTH_M)
    world.step(1)
    assert world.contact("x", "hand")
    world.close()
