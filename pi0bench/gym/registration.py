"""Importing this module registers every task with Gymnasium; it loads no engine.

For each task there are the id `pi0bench/TASK-vN`, which takes the keyword `engine`, and one id
`pi0bench/TASK-ENGINE-vN` for each engine, where N is the version in the task's file. Gymnasium
finds them as soon as `pi0bench` is imported, so `gymnasium.make("pi0bench:pi0bench/TASK-vN")`
needs no import at all; without `-vN` it takes the newest version, and says so.
"""

from __future__ import annotations

import warnings

import gymnasium
from gymnasium.envs.registration import WrapperSpec

from pi0bench.envs.controller import DEFAULT_HZ
from pi0bench.envs.physics import ENGINES
from pi0bench.errors import UsageError
from pi0bench.task.task_files import task, task_ids
from pi0bench.task.task_spec import TaskSpec

STILL = "pi0bench/still-v1"
"""An environment in which nothing moves for ten seconds, about as long as a task takes."""


def env_ids(spec: TaskSpec) -> dict[str, dict[str, str]]:
    """Each id under which a task is registered, with the keywords that it stands for."""
    name, version = f"pi0bench/{spec.id}", f"v{spec.version}"
    engines = {
        f"{name}-{engine}-{version}": {"task": spec.id, "engine": engine} for engine in ENGINES
    }
    return {f"{name}-{version}": {"task": spec.id}, **engines}


def register() -> None:
    """Register what is not registered yet: every task whose file can be read, and `STILL`."""
    if STILL not in gymnasium.registry:
        entry = "pi0bench.gym.motionless_env:StillEnv"
        gymnasium.register(STILL, entry, reward_threshold=1.0, max_episode_steps=200)
    registered = {spec.kwargs.get("task") for spec in gymnasium.registry.values()}
    for name in sorted(set(task_ids()) - registered):
        try:
            spec = task(name)
        except UsageError as error:  # others' file, which must not keep ours away
            warnings.warn(f"not registered with Gymnasium: {error}", stacklevel=2)
            continue
        for env_id, keywords in env_ids(spec).items():
            gymnasium.register(
                env_id,
                "pi0bench.gym.task_env:TabletopEnv",
                reward_threshold=1.0,
                max_episode_steps=round(spec.max_s * DEFAULT_HZ),
                additional_wrappers=(WrapperSpec("Paced", "pi0bench.gym.time_limits:paced", {}),),
                kwargs=keywords,
            )


register()
