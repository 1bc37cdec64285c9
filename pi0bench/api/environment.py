"""A task as a Gymnasium environment."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gymnasium

from pi0bench.content.folders import add_folders
from pi0bench.gym.registration import env_ids, register
from pi0bench.task.task_files import task as load_task


def make(
    task: str, engine: str = "mujoco", *, content: Iterable[Path | str] = (), **options: Any
) -> gymnasium.Env[Any, Any]:
    """A task as a Gymnasium environment, with its time limit.

    Args:
        task: Its id.
        engine: mujoco or pybullet.
        content: Folders with tasks and more of your own.
        options: Of `pi0bench.gym.task_env.TabletopEnv`: obs_mode, control_hz, render_mode, ...

    Raises:
        UsageError: there is no such task or engine, or an option has no such value.

    Examples:
        >>> import pi0bench
        >>> env = pi0bench.make("stack_two_cubes", engine="pybullet", obs_mode="state")
        >>> obs, info = env.reset(seed=0)
        >>> obs["proprio"].shape
        (13,)
        >>> env.close()
    """
    add_folders(map(Path, content))
    register()
    first = next(iter(env_ids(load_task(task))))
    return gymnasium.make(first, engine=engine, **options)
