"""Demonstrations: the expert's clean actions along an execution that is now and then disturbed.

Pictures are not stored: a file holds states, from which they can be drawn at any size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.content.code_digest import expert_digest
from pi0bench.data import parallel_parts
from pi0bench.data.array_files import joined, read, write
from pi0bench.data.pushes import pushes
from pi0bench.data.worlds.choose import make
from pi0bench.data.worlds.world import Disturbance, Task, World
from pi0bench.envs.controller import DEFAULT_HZ
from pi0bench.errors import UsageError
from pi0bench.random_streams import stream

_AFTER_S = 0.6  # the expert goes on this long after success, so that chunks can end in rest
_PATIENCE = 1.5  # times the task's own time, since pushes use some of it up
_BLOCK = 20  # episodes a part file


@dataclass(frozen=True, eq=False)
class Episode:
    """One demonstration of T control steps.

    Attributes:
        arrays: what the world notes (see `World.note`), (T, …) each, and `proprio` (T, 13) before
            each action; the expert's clean `actions` (T, 7); and `disturbed` (T,), whether
            something else was executed.
        instruction: what was asked.
        mode: which of the task's modes it took, if the task has any.
    """

    arrays: dict[str, NDArray[Any]]
    instruction: str
    mode: str


def record(world: World, task: str, seed: int, number: int, how: Disturbance) -> Episode | None:
    """Run the expert once; None when it did not succeed."""
    rng = stream("disturbance", seed, task, number)
    env = world.begin(task, seed, number)
    rows: dict[str, list[Any]] = {}
    changes = pushes(env, rng, how)
    after, after_steps = 0, round(_AFTER_S * env.control_hz)
    try:
        while env.steps < _PATIENCE * env.max_steps and after < after_steps:
            clean = env.expert_action()
            change = None if after else next(changes)
            row = {
                **world.note(env),
                "proprio": env.proprio(),
                "actions": clean.astype(np.float32),
                "disturbed": change is not None,
            }
            for key, value in row.items():
                rows.setdefault(key, []).append(value)
            env.step(clean if change is None else change(clean))
            after = after + 1 if after or env.succeeded else 0
        if not after:
            return None
        arrays = {key: np.array(value) for key, value in rows.items()}
        return Episode(arrays, env.instruction, env.verdict.mode)
    finally:
        env.close()


def _block(
    task_id: str,
    start: int,
    count: int,
    seed: int,
    how: dict[str, Any],
    engine: str,
    control_hz: int,
) -> Any:
    world, disturbance = make(engine, control_hz), Disturbance(**how)
    numbers = range(start, start + count)
    tried = [(n, record(world, task_id, seed, n, disturbance)) for n in numbers]
    kept = [(number, episode) for number, episode in tried if episode is not None]
    if not kept:
        raise UsageError(f"{task_id}: the expert failed {count} times in a row; check its plan")
    table = [
        {
            "task": task_id,
            "episode": n,
            "steps": len(e.arrays["actions"]),
            "says": e.instruction,
            "mode": e.mode,
        }
        for n, e in kept
    ]
    return joined([episode.arrays for _, episode in kept]), {"episodes": table}


def described(
    tasks: Sequence[Task],
    episodes: int,
    seed: int,
    engine: str,
    how: Disturbance,
    control_hz: int = DEFAULT_HZ,
) -> dict[str, Any]:
    """What a file of demonstrations says of itself, as JSON, but for its episodes."""
    return {
        "seed": seed,
        "asked": episodes,
        "engine": engine,
        "control_hz": control_hz,
        "disturbance": {k: list(v) if isinstance(v, tuple) else v for k, v in vars(how).items()},
        "expert": expert_digest(),
        "tasks": {task.id: task.hash for task in tasks},
    }


def collect(
    tasks: Sequence[Task],
    episodes: int,
    out: Path,
    *,
    seed: int = 0,
    engine: str = "mujoco",
    how: Disturbance | None = None,
    control_hz: int = DEFAULT_HZ,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Record `episodes` start states of each task into one file; finished parts are kept.

    Episodes in which the disturbed expert fails are left out.

    Raises:
        UsageError: a task's expert fails all the time.
    """
    how = how or make(engine).disturbance
    about = described(tasks, episodes, seed, engine, how, control_hz)
    jobs = [
        (task.id, start, min(_BLOCK, episodes - start), seed, vars(how), engine, control_hz)
        for start in range(0, episodes, _BLOCK)
        for task in tasks
    ]
    folder = out.with_suffix(".parts")
    paths = parallel_parts.make(folder, _block, jobs, about, workers=workers, progress=progress)
    parts, abouts = zip(*map(read, paths), strict=True)
    table = [row for part in abouts for row in part["episodes"]]
    return write(out, joined(parts), {**about, "episodes": table})
