"""Episodes that are stepped together are each as if they were alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pi0bench.envs.physics import ENGINES
from pi0bench.envs.world_protocol import EnvFault, PhysicsFault
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.lock_step import step_together
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.rollout import Rollout
from pi0bench.policy import registry
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task
from pi0bench.task.varied_episode import VariedTabletop

Cells = Callable[..., Any]


def begun(cells: Any) -> list[VariedTabletop]:
    envs = [Rollout(cell, task("stack_two_cubes")).env for cell in cells]
    return [env for env in envs if isinstance(env, VariedTabletop)]


@pytest.mark.parametrize("engine", ENGINES)
def test_episodes_are_what_they_would_be_alone(engine: str, cells_of: Cells) -> None:
    cells = cells_of(registry.load("expert"), "stack_two_cubes", engine=engine, episodes=3)
    together, alone = begun(cells), begun(cells)
    for _ in range(12):
        actions = [env.expert_action() for env in together]
        assert step_together(together, actions) == [None] * 3
        for env, other, action in zip(together, alone, actions, strict=True):
            assert env.verdict == other.step(action)
            assert env.world.arm().q_rad.tobytes() == other.world.arm().q_rad.tobytes()
            assert env.proprio().tobytes() == other.proprio().tobytes()
    for env in (*together, *alone):
        env.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_world_breaks_alone(engine: str, cells_of: Cells) -> None:
    """Its neighbours, whose joint angles are found with its own, do not even notice."""
    cells = cells_of(registry.load("zero"), "stack_two_cubes", engine=engine, episodes=3)
    together, alone = begun(cells), begun(cells)
    action = np.array([0.3, 0.5, -0.2, 0, 0, 0.1, 1.0])
    for number in range(3):
        if number == 1:
            together[1].world.set_arm(np.full(7, np.nan), 0.08)
        faults = step_together(together, [action] * len(together))
        for env, other in zip((together[0], together[-1]), (alone[0], alone[-1]), strict=True):
            other.step(action)
            assert env.world.arm().q_rad.tobytes() == other.world.arm().q_rad.tobytes()
        if number == 1:
            assert [isinstance(fault, PhysicsFault) for fault in faults] == [False, True, False]
            together.pop(1).close()
            continue
        assert faults == [None] * len(together)
    for env in (*together, *alone):
        env.close()


class Foreign:
    """An episode of another library."""

    def __init__(self, breaks: bool) -> None:
        self.breaks, self.steps = breaks, 0

    def step(self, action: Any) -> None:
        if self.breaks:
            raise EnvFault("torn")
        self.steps += 1


def test_episodes_of_other_libraries_step_by_themselves() -> None:
    envs: Any = [Foreign(breaks) for breaks in (False, True, False)]
    first, torn, last = step_together(envs, [np.zeros(2)] * 3)
    assert (first, str(torn), last) == (None, "torn", None)
    assert [env.steps for env in envs] == [1, 0, 1]


def test_who_breaks_in_a_chunk_leaves_the_others_their_records(
    scripted: Cells, cells_of: Cells, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = scripted(lambda seen, *_: np.full((len(seen), 8, 7), 1.5))
    cells = cells_of(policy, "reach_cube", episodes=3)

    def records() -> list[Any]:
        return [end.record for end in run(cells, policy, task("reach_cube"), None, Stopwatch())]

    sound = {record.cell.episode: record for record in records()}
    original, worlds = Tabletop.step, []

    def step(env: Tabletop, *how: Any) -> Any:
        worlds.extend([env] * (env not in worlds))
        if env is worlds[0] and env.steps == 10:
            raise PhysicsFault("velocities are not finite")
        return original(env, *how)

    monkeypatch.setattr(Tabletop, "step", step)
    torn = {record.cell.episode: record for record in records()}
    assert (torn[0].status, torn[0].length, torn[0].replans) == ("env_fault", 10, 2)
    assert torn[0].clipped == 7 * 11  # the action that it broke on was asked too
    assert [torn[1], torn[2]] == [sound[1], sound[2]]
