"""Skills that are told to arrive slowly do, and what they grip they grip at its middle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pi0bench.envs.panda_kinematics import forward
from pi0bench.random_streams import stream
from pi0bench.task import predicates
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task
from pi0bench.task.task_spec import TaskSpec


def hurried(spec: TaskSpec) -> TaskSpec:
    """The task with a plan that goes nothing slowly."""
    (way,) = spec.ways
    plan = []
    for rule in way.plan:
        options = tuple(option for option in rule.call.options if option[0] != "slow_m")
        plan.append(replace(rule, call=replace(rule.call, options=options)))
    return replace(spec, ways=(replace(way, plan=tuple(plan)),))


def played(spec: TaskSpec, engine: str) -> tuple[bool, float, int]:
    """Success, metres from the middle at the grip, and steps within 5 cm of the ring's place."""
    env = Tabletop(spec, place(spec, stream("development", 0, spec.id, 0)), engine)
    held_m, near = np.nan, 0
    while env.steps < env.max_steps and not env.succeeded:
        env.step(env.expert_action())
        ring, peg = env.world.pose("ring").pos_m, env.world.pose("peg").pos_m
        if predicates.held(env.world, "ring"):
            near += bool(np.linalg.norm((ring - peg)[:2]) < 0.05)
            if np.isnan(held_m):
                held_m = float(np.linalg.norm(ring - forward(env.world.arm().q_rad).pos_m))
    done = env.succeeded
    env.close()
    return done, held_m, near


@pytest.mark.parametrize("engine", ["mujoco", "pybullet"])
def test_who_arrives_slowly_shows_more_of_the_last_centimetres(engine: str) -> None:
    spec = task("ring_on_tight_peg")
    done, held_m, near = played(spec, engine)
    fast, _, passed = played(hurried(spec), engine)
    assert done
    assert fast
    assert near > 1.8 * passed
    assert held_m < 0.004
