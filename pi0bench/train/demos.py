"""Demonstrations: the expert's clean actions along an execution that is now and then disturbed.

Pictures are not stored: a file holds states, from which either renderer draws them at any size.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.tabletop import Tabletop
from pi0bench.seeds import stream
from pi0bench.tasks.load import task as load_task
from pi0bench.tasks.placement import place
from pi0bench.tasks.spec import TaskSpec

MAX_OBJECTS = 6
_AFTER_STEPS = 12  # the expert goes on this long after success, so that chunks can end in rest
_BLOCK = 20  # episodes a part file


@dataclass(frozen=True)
class Disturbance:
    """How an execution is disturbed: pushes, and now and then fingers that open or shut.

    Attributes:
        push_m: root mean square of a push's length along each axis.
        share: of the episodes that are disturbed at all.
    """

    push_m: float = 0.02
    share: float = 0.75
    grip: float = 0.12
    steps: int = 3


@dataclass(frozen=True, eq=False)
class Episode:
    """One demonstration of T control steps.

    Attributes:
        q_rad, width_m, poses: states before each action, (T, 7), (T,), (T, MAX_OBJECTS, 7).
        proprio: (T, 10).
        actions: clean expert actions, (T, 7).
        disturbed: whether something else than the clean action was executed, (T,).
    """

    arrays: dict[str, NDArray[Any]]
    instruction: str


def layout_of(task: TaskSpec, seed: int, episode: int) -> Any:
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
        return Episode({key: np.array(value) for key, value in rows.items()}, env.layout.instruction)
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
    arm = env.world.arm()
    poses = np.zeros((MAX_OBJECTS, 7), np.float32)
    for i, body in enumerate(env.layout.bodies):
        pose = env.world.pose(body.name)
        poses[i] = [*pose.pos_m, *pose.quat_wxyz()]
    row = {
        "q_rad": arm.q_rad.astype(np.float32),
        "width_m": np.float32(arm.width_m),
        "poses": poses,
        "proprio": env.proprio(),
        "actions": clean.astype(np.float32),
        "disturbed": disturbed,
    }
    for key, value in row.items():
        rows.setdefault(key, []).append(value)


def _block(task_id: str, seed: int, start: int, count: int, how: Disturbance, engine: str, out: Path):
    task = load_task(task_id)
    kept = []
    for number in range(start, start + count):
        episode = record(task, seed, number, how, engine)
        if episode is not None:
            kept.append((number, episode))
    table = [
        {"task": task_id, "episode": n, "steps": len(e.arrays["width_m"]), "says": e.instruction}
        for n, e in kept
    ]
    arrays = {k: np.concatenate([e.arrays[k] for _, e in kept]) for k in kept[0][1].arrays}
    _save(out, arrays, {"episodes": table})


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
    """
    parts = out.with_suffix(".parts")
    parts.mkdir(parents=True, exist_ok=True)
    jobs = [(t.id, s) for s in range(0, episodes, _BLOCK) for t in tasks]
    paths = [parts / f"{i}-{s:05d}-{min(_BLOCK, episodes - s)}.npz" for i, s in jobs]
    todo = [(job, path) for job, path in zip(jobs, paths, strict=True) if not path.exists()]
    done = len(jobs) - len(todo)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = [
            pool.submit(_block, i, seed, s, min(_BLOCK, episodes - s), how, engine, path)
            for (i, s), path in todo
        ]
        for future in as_completed(running):
            future.result()
            done += 1
            if progress:
                progress(done * _BLOCK, len(jobs) * _BLOCK)
    loaded = [load(path) for path in paths]
    arrays = {k: np.concatenate([a[k] for a, _ in loaded]) for k in loaded[0][0]}
    about = {
        "seed": seed,
        "asked": episodes,
        "engine": engine,
        "disturbance": vars(how),
        "tasks": {t.id: t.hash for t in tasks},
        "episodes": [row for _, meta in loaded for row in meta["episodes"]],
    }
    _save(out, arrays, about)
    return out


def _save(path: Path, arrays: dict[str, NDArray[Any]], about: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    text = np.frombuffer(json.dumps(about).encode(), np.uint8)
    with partial.open("wb") as file:
        np.savez_compressed(file, about=text, **arrays)
    partial.replace(path)


def load(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of a demonstration file, and what it says about itself."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    return arrays, json.loads(arrays.pop("about").tobytes())
