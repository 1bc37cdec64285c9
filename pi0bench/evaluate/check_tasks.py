"""Validates task files, resets each task many times, and lets the expert carry out its plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import permutations
from pathlib import Path

import numpy as np

from pi0bench.envs import content_models
from pi0bench.envs.physics import ENGINES
from pi0bench.envs.world_protocol import PHYSICS_HZ, PhysicsFault
from pi0bench.errors import UsageError
from pi0bench.evaluate.check_plans import plan_problems
from pi0bench.evaluate.engine_replay import REPLAYS, replay
from pi0bench.evaluate.task_tolerance import tolerance
from pi0bench.random_streams import stream
from pi0bench.task import variation_files
from pi0bench.task.paraphrases import has, paraphrases
from pi0bench.task.start_heights import carriers
from pi0bench.task.start_states import Layout, PlacementError, place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import files, load
from pi0bench.task.task_spec import TaskSpec

_WATCH_S = 0.5
_DRIFT_M = 0.005


def check(
    paths: Sequence[Path],
    engines: Sequence[str] = ENGINES,
    resets: int = 50,
    episodes: int = 3,
    tolerances: bool = False,
    replays: bool = False,
    say: Callable[[str], None] = print,
    keep: Callable[[Mapping[str, str]], None] = lambda row: None,
) -> int:
    """Check the task files among and below the paths.

    Without any, all of the benchmark's are checked, and its variations and objects too. Paraphrases
    are checked of the tasks that have some, without paths of all.

    Args:
        paths: task files, folders of them, or ids of tasks.
        engines: in which they are checked.
        resets: how many start states are looked at.
        episodes: on how many the expert must succeed.
        tolerances: also measure what each task forgives, in the first engine.
        replays: also carry out what the expert does in each engine in the others.
        say: takes a line.
        keep: takes what was measured of a task, text by the name of its column.

    Returns:
        How many problems there were; each is said on a line of its own.

    Raises:
        UsageError: a path that does not exist.
    """
    problems = 0
    tasks: list[TaskSpec] = []
    for path in files(paths):
        try:
            task = load(path)
        except UsageError as error:
            problems += _tell(str(error).split("\n"), say)
            continue
        tasks.append(task)
        layouts, wrong = _layouts(task, resets)
        for engine in engines if layouts else ():
            found = _resets(task, layouts, engine) + plan_problems(task, engine, episodes)
            if not found:
                tried = f"{len(layouts)} starts are good, the expert reaches the goal from"
                say(f"{task.id}: {engine}: {tried} {episodes}")
            wrong += found
        problems += _tell(wrong, say)
        measured: dict[str, str] = {}
        if tolerances and not wrong:
            forgiven = tolerance(task, engines[0])
            say(f"{task.id}: {engines[0]}: forgives {forgiven}")
            measured |= {"forgives": forgiven.distance, "and in heading": forgiven.heading}
        for one, other in permutations(engines, 2) if replays and not wrong else ():
            count = f"{replay(task, one, other)} of {REPLAYS}"
            say(f"{task.id}: {other}: what was done in {one} reaches the goal in {count}")
            measured[f"{one} in {other}"] = count
        if measured:
            keep({"task": task.id, **measured})
    said = [task for task in tasks if has(task)] if paths else tasks
    return problems + _tell(_departures(said, beside=not paths), say)


def _departures(tasks: Sequence[TaskSpec], beside: bool) -> list[str]:
    """What is wrong with the tasks' paraphrases, and in files of colours, objects, variations."""
    readers: list[Callable[[], object]] = [partial(paraphrases, tasks)]
    if beside:
        readers += _files_beside()
    wrong: list[str] = []
    for read in readers:
        try:
            read()
        except UsageError as error:
            wrong += str(error).split("\n")
    return wrong


def _files_beside() -> list[Callable[[], object]]:
    readers: list[Callable[[], object]] = [content_models.colors]
    readers += [partial(content_models.model, name) for name in content_models.names()]
    readers += [
        partial(variation_files.load, variation_files.path_of(kind))
        for kind in variation_files.kinds()
    ]
    return readers


def _tell(lines: Sequence[str], say: Callable[[str], None]) -> int:
    for line in lines:
        say(line)
    return len(lines)


def _layouts(task: TaskSpec, resets: int) -> tuple[dict[int, Layout], list[str]]:
    """The start states of the first evaluation episodes, and what went wrong in drawing them."""
    layouts: dict[int, Layout] = {}
    refused: dict[str, list[int]] = {}
    for seed in range(resets):
        try:
            layouts[seed] = place(task, stream("evaluation", 0, task.id, seed))
        except PlacementError as error:
            refused.setdefault(str(error), []).append(seed)
    return layouts, [f"{why} ({_seeds(seeds)})" for why, seeds in refused.items()]


def _resets(task: TaskSpec, layouts: dict[int, Layout], engine: str) -> list[str]:
    found: dict[str, list[int]] = {}
    for seed, layout in layouts.items():
        try:
            complaints = _start(task, layout, engine)
        except PhysicsFault as error:
            complaints = [f"diverges: {error}"]
        for complaint in complaints:
            found.setdefault(complaint, []).append(seed)
    count = len(layouts)
    return [f"{task.id}: {engine}: {what} ({_of(seeds, count)})" for what, seeds in found.items()]


def _start(task: TaskSpec, layout: Layout, engine: str) -> list[str]:
    """What is wrong with one start state."""
    env = Tabletop(task, layout, engine)
    try:
        complaints = ["the goal is true at the start"] if env.goal() else []
        names = env.world.scene.free_names
        speeds = {body.name: body.speed_m_s for body in layout.bodies}
        driven = {o.name for o in task.objects if any(speeds[base] for base in carriers(task, o))}
        before = {name: env.world.pose(name).pos_m for name in names}
        env.world.step(round(_WATCH_S * PHYSICS_HZ))
        for name in names:
            moved = env.world.pose(name).pos_m - before[name]
            moved_m = abs(moved[2]) if name in driven else float(np.linalg.norm(moved))
            if moved_m > _DRIFT_M:
                complaints.append(f'"{name}" moves by itself, over {1000 * _DRIFT_M:g} mm')
        return complaints
    finally:
        env.close()


def _of(seeds: Sequence[int], count: int) -> str:
    return f"in all {count}" if len(seeds) == count > 1 else _seeds(seeds)


def _seeds(seeds: Sequence[int]) -> str:
    many = "seed" if len(seeds) == 1 else "seeds"
    return f"{many} {', '.join(map(str, seeds))}"
