"""The wall is passed on either side, about equally often, and never over its top."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.envs.controller import SHUT
from pi0bench.random_streams import stream
from pi0bench.task import predicates
from pi0bench.task.expert import grasping
from pi0bench.task.expert.motion import View, move
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task

TASK = task("past_the_wall")


def start(engine: str, number: int) -> Tabletop:
    rng = stream("development", 0, TASK.id, number)
    return Tabletop(TASK, place(TASK, rng), engine)


def goes_left(env: Tabletop) -> bool:
    """Which way the expert should go: where the cube already is, or else as was drawn."""
    aside = float((env.world.pose("cube").pos_m - env.world.pose("wall").pos_m)[1])
    return aside > 0 if abs(aside) > 0.06 else env.layout.expert_choice < 0.5


def straight_over(env: Tabletop) -> np.ndarray:
    """Lift the cube as high as it goes, carry it straight to the zone, and set it down, (7,)."""
    view, world = View(env.world, env.control_hz, env.controller.goal, env.script, 0.0), env.world
    if predicates.on(world, "cube", "zone"):
        return grasping.leave(view, "cube")
    if not predicates.held(world, "cube"):
        return grasping.pick(view, "cube")
    off = (world.pose("zone").pos_m - world.pose("cube").pos_m)[:2]
    if np.linalg.norm(off) < 0.02:
        return grasping.put_on(view, "cube", "zone")
    rising = off[0] > 0.25 and view.goal.pos_m[2] < 0.215
    xy = view.goal.pos_m[:2] if rising else view.goal.pos_m[:2] + off
    return move(view, np.array([*xy, 0.30]), 0.0, SHUT)


def test_the_expert_stays_on_the_side_that_it_chose() -> None:
    sides = set()
    for number in range(8):
        env = start("mujoco", number)
        left, aside = goes_left(env), []
        while not env.over:
            env.step(env.expert_action())
            gap = env.world.pose("cube").pos_m - env.world.pose("wall").pos_m
            if abs(gap[0]) < 0.03:
                aside.append(gap[1])
        env.close()
        assert aside, f"start {number}: it never was beside the wall"
        assert all((y > 0) == left for y in aside), f"start {number}"
        sides.add(left)
    assert sides == {False, True}


def test_either_side_is_as_likely() -> None:
    choices = [
        place(TASK, stream("development", 0, TASK.id, number)).expert_choice
        for number in range(200)
    ]
    assert 80 <= np.sum(np.array(choices) < 0.5) <= 120


def test_no_cube_is_carried_straight_over(engine: str) -> None:
    assert not any(carried_over(engine, number) for number in range(2))


@pytest.mark.slow
def test_no_cube_is_ever_carried_straight_over(engine: str) -> None:
    assert not any(carried_over(engine, number) for number in range(20))


def carried_over(engine: str, number: int) -> bool:
    """True when an episode of going straight over succeeds; it must get as far as the wall."""
    env = start(engine, number)
    while not env.over:
        env.step(straight_over(env))
    assert env.verdict.stages >= 2, f"start {number}: the cube was never lifted"
    env.close()
    return env.succeeded
