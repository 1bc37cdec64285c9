"""How much of a task rests on its engine: the expert's actions, carried out in the other one.

Nobody looks meanwhile, so that what differs in the contacts adds up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pi0bench.evaluate.development_episodes import begun
from pi0bench.task.task_spec import TaskSpec

REPLAYS = 20
"""Start states that are tried unless told otherwise."""
_REST = 10  # steps at the end in which the goal may yet come to hold


def replay(task: TaskSpec, recorded_in: str, replayed_in: str, episodes: int = REPLAYS) -> int:
    """In how many development start states the goal is reached without looking.

    Args:
        task: whose expert acts.
        recorded_in: the engine in which it sees what it does.
        replayed_in: the engine in which the same actions are carried out.
        episodes: how many start states are tried.
    """
    return sum(
        _reached(task, replayed_in, episode, _actions(task, recorded_in, episode))
        for episode in range(episodes)
    )


def _actions(task: TaskSpec, engine: str, episode: int) -> list[NDArray[np.float64]]:
    """What the expert does until its episode ends."""
    actions = []
    with begun(task, engine, episode) as env:
        while not env.over:
            actions.append(env.expert_action())
            env.step(actions[-1])
    return actions


def _reached(
    task: TaskSpec, engine: str, episode: int, actions: Sequence[NDArray[np.float64]]
) -> bool:
    rest = np.array([0, 0, 0, 0, 0, 0, actions[-1][6]])
    with begun(task, engine, episode) as env:
        for action in [*actions, *[rest] * _REST]:
            if env.over:
                break
            env.step(action)
        return env.succeeded
