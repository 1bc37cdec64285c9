"""Gymnasium's time limits, which count steps, for environments that choose how many a second."""

from __future__ import annotations

from typing import Any

import gymnasium
from gymnasium.wrappers import TimeLimit

from pi0bench.envs.controller import DEFAULT_HZ
from pi0bench.gym.task_env import TabletopEnv


def paced(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """The environment with the time limit of its id in steps of its own rate.

    `gymnasium.make` counts it in steps of the usual rate, whatever `control_hz` is.
    """
    inner = env.unwrapped
    assert isinstance(inner, TabletopEnv)
    if not isinstance(env, TimeLimit) or env.spec is None:
        return env
    if env.spec.max_episode_steps != round(inner.task.max_s * DEFAULT_HZ):
        return env  # the caller's own
    return TimeLimit(env.env, round(inner.task.max_s * inner.control_hz))
