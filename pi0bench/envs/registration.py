"""Importing this module registers every task with Gymnasium; it loads no engine.

For each task there are the id `pi0bench/TASK`, which takes the keyword `engine`, and one id
`pi0bench/TASK-ENGINE` for each engine. Gymnasium has read no plugin's entry points since 1.0, so
either import this module before `gymnasium.make`, or have Gymnasium import it:
`gymnasium.make("pi0bench.envs.registration:pi0bench/TASK")`.
"""

from __future__ import annotations

import functools

import gymnasium

from pi0bench.envs.tabletop import ENGINES
from pi0bench.tasks.load import task_ids

STILL = "pi0bench/still"
"""An environment in which nothing moves for ten seconds, about as long as a task takes."""


def env_ids(task_id: str) -> dict[str, dict[str, str]]:
    """Each id under which a task is registered, with the keywords that it stands for."""
    name = f"pi0bench/{task_id}"
    engines = {f"{name}-{engine}": {"task": task_id, "engine": engine} for engine in ENGINES}
    return {name: {"task": task_id}, **engines}


@functools.cache
def register() -> None:
    """Register what is not registered yet: every task, and `STILL`."""
    if STILL not in gymnasium.registry:
        entry = "pi0bench.envs.still:StillEnv"
        gymnasium.register(STILL, entry, reward_threshold=1.0, max_episode_steps=200)
    for task_id in task_ids():
        for env_id, keywords in env_ids(task_id).items():
            if env_id not in gymnasium.registry:
                gymnasium.register(env_id, "pi0bench.envs.env:TabletopEnv", kwargs=keywords)


register()
