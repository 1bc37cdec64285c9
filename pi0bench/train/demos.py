"""Demonstrations: the expert's clean actions along an execution that is now and then disturbed.

Pictures are not stored: a file holds states, from which either renderer draws them at any size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.tabletop import Tabletop
from pi0bench.errors import UsageError
from pi0bench.seeds import stream
from pi0bench.tasks.load import task as load_task
from pi0bench.tasks.placement import Layout, place
from pi0bench.tasks.spec import TaskSpec
from pi0bench.train import parts
from pi0bench.train.arrays import read, write

MAX_OBJECTS = 6
_AFTER_STEPS = 12  # the expert goes on this long after success, so that chunks can end in rest
_BLOCK = 20  # episodes a part file


@dataclass(frozen=True)
class Disturbance:
    """How an execution is disturbed: pushes, and now and then fingers that open or shut.

    Attributes:
        push_m: root mean square of a push's length along each axis.
        share: of the episodes that are disturbed at all.
        grip: chance that a push also turns the fingers' command round.
        steps: control steps that a push lasts.
    """

    push_m: float = 0.02
    share: float = 0.75
    grip: float = 0.12
    steps: int = 3


@dataclass(frozen=True, eq=False)
class Episode:
    """One demonstration of T control steps.

    Attributes:
        arrays: `q_rad` (T, 7), `width_m` (T,), `poses` (T, MAX_OBJECTS, 7; metres and wxyz) and
            `joints` (T, MAX_OBJECTS) before each action; `proprio` (T, 10); the expert's clean
            `actions` (T, 7); and `disturbed` (T,), whether something else was executed.
        instruction: what was asked.
        mode: which of the task's modes it took, if the task has any.
    """

    arrays: dict[str, NDArray[Any]]
    instruction: str
    mode: str


def layout_of(task: TaskSpec, seed: int, episode: int) -> Layout:
    """The start state of a demonstration; its stream never meets that of the evaluations."""
    return place(task, stream("demonstration", seed, task.id, episode))


def record(task: TaskSpec, seed: int, number: int, how: Disturbance, engine: str) -> Episode | None:
    """Run the expert once; None when it did not succeed."""
    rng = stream("disturbance", seed, task.id, number)
    env = Tabletop(task, layout_of(task, seed, number), engine)
    rows: dict[str, list[Any]] = {}
    pushes = _pushes(env, rng, how)
    after = 0
    try:
        while env.steps < env.max_steps and after < _AFTER_STEPS:
            clean = env.expert_action()
            push = None if after else next(pushes)
            _append(rows, env, clean, push is not None)
            env.step(clean if push is None else push(clean))
            after = after + 1 if after or env.succeeded else 0
        if not after:
            return None
        arrays = {key: np.array(value) for key, value in rows.items()}
        return Episode(arrays, env.layout.instruction, env.verdict.mode)
    finally:
        env.close()


Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _pushes(env: Tabletop, rng: np.random.Generator, how: Disturbance) -> Iterator[Change | None]:
    """For each step: nothing, or what to execute in place of the clean action."""
    if rng.random() >= how.share:
        while True:
            yield None
    scale = env.control_hz / 0.6  # metres a step to action units
    while True:
        for _ in range(int(rng.integers(8, 26))):
            yield None
        push = np.zeros(7)
        push[:3] = rng.normal(0, how.push_m, 3) / how.steps * scale
        push[5] = rng.normal(0, 0.4)
        flip = rng.random() < how.grip

        def change(clean: NDArray[np.float64], push: Any = push, flip: bool = flip) -> Any:
            return np.clip(clean + push, -1, 1) * ([1] * 6 + [-1 if flip else 1])

        for _ in range(how.steps):
            yield change


def _append(rows: dict[str, list[Any]], env: Tabletop, clean: Any, disturbed: bool) -> None:
    snap = env.snapshot()
    poses, joints = np.zeros((MAX_OBJECTS, 7), np.float32), np.zeros(MAX_OBJECTS, np.float32)
    for i, body in enumerate(env.layout.bodies):
        pose = snap.poses[body.name]
        poses[i] = [*pose.pos_m, *pose.quat_wxyz()]
        joints[i] = snap.joints.get(body.name, 0.0)
    row = {
        "q_rad": snap.q_rad.astype(np.float32),
        "width_m": np.float32(snap.width_m),
        "poses": poses,
        "joints": joints,
        "proprio": env.proprio(),
        "actions": clean.astype(np.float32),
        "disturbed": disturbed,
    }
    for key, value in row.items():
        rows.setdefault(key, []).append(value)


def _block(
    task_id: str, start: int, count: int, seed: int, how: dict[str, Any], engine: str
) -> Any:
    task = load_task(task_id)
    numbers = range(start, start + count)
    tried = [(n, record(task, seed, n, Disturbance(**how), engine)) for n in numbers]
    kept = [(number, episode) for number, episode in tried if episode is not None]
    if not kept:
        raise UsageError(f"{task_id}: the expert failed {count} times in a row; check its plan")
    table = [
        {
            "task": task_id,
            "episode": n,
            "steps": len(e.arrays["width_m"]),
            "says": e.instruction,
            "mode": e.mode,
        }
        for n, e in kept
    ]
    arrays = {k: np.concatenate([e.arrays[k] for _, e in kept]) for k in kept[0][1].arrays}
    return arrays, {"episodes": table}


def collect(
    tasks: Sequence[TaskSpec],
    episodes: int,
    out: Path,
    *,
    seed: int = 0,
    engine: str = "mujoco",
    how: Disturbance = Disturbance(),
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Record `episodes` start states of each task into one file; finished parts are kept.

    Episodes in which the disturbed expert fails are left out.

    Raises:
        UsageError: a task's expert fails all the time.
    """
    about = {
        "seed": seed,
        "asked": episodes,
        "engine": engine,
        "disturbance": vars(how),
        "tasks": {task.id: task.hash for task in tasks},
    }
    jobs = [
        (task.id, start, min(_BLOCK, episodes - start), seed, vars(how), engine)
        for start in range(0, episodes, _BLOCK)
        for task in tasks
    ]
    folder = out.with_suffix(".parts")
    paths = parts.make(folder, _block, jobs, about, workers=workers, progress=progress)
    loaded = [read(path) for path in paths]
    arrays = {k: np.concatenate([a[k] for a, _ in loaded]) for k in loaded[0][0]}
    return write(out, arrays, {**about, "episodes": [r for _, m in loaded for r in m["episodes"]]})
