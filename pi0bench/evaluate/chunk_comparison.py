"""How far the chunks of few sampler steps are from those of many: samples, not episodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.evaluate.plan_checks import infinite, planned
from pi0bench.evaluate.rollout import Rollout
from pi0bench.evaluate.task_sources import Task
from pi0bench.policy.policy_protocol import Policy
from pi0bench.random_streams import stream
from pi0bench.records.chunk_quality import Quality
from pi0bench.records.record import STILL, Cell
from pi0bench.stats.energy_distance import squared_energy_distance

REFERENCE_STEPS = 100
STATES = 4
DRAWS = 32

Chunks = NDArray[np.float64]


def conditions(cells: Iterable[Cell]) -> list[tuple[Cell, ...]]:
    """Return one group for each policy, task, world and solver: a cell for each step count.

    Only what has several step counts is asked about; while chunks are made, no time passes.
    """
    groups: dict[Cell, dict[int, Cell]] = {}
    for cell in (replace(cell, clock=STILL, delay=0, execute=0) for cell in cells):
        if cell.episode < STATES and cell.steps:
            groups.setdefault(replace(cell, episode=0, steps=0), {})[cell.steps] = cell
    found = (tuple(group[steps] for steps in sorted(group)) for group in groups.values())
    return [group for group in found if len(group) > 1]


def probe(
    cells: Sequence[Cell], policy: Policy, task: Task, renderer: Renderer | None
) -> list[Quality]:
    """Compare chunks of each of the cells' step counts with chunks of `REFERENCE_STEPS`.

    Before the first `STATES` start states, from `DRAWS` noises each, the same for every count.

    Args:
        cells: those of one condition, which differ in the step count alone.
        policy: plans.
        task: the cells' task.
        renderer: draws what the policy sees; None when it sees nothing.

    Raises:
        PolicyFault: the policy gives no sound plan of so many steps.
    """
    counts = [cell.steps for cell in cells]
    found: dict[int, list[tuple[float, float]]] = {steps: [] for steps in counts}
    for episode in range(STATES):
        cell = replace(cells[0], episode=episode)
        rollout = Rollout(cell, task)
        try:
            seen = [rollout.question(policy.traits, renderer).observation] * DRAWS
        finally:
            rollout.close()

        def chunks(steps: int, cell: Cell = cell, seen: Sequence = seen) -> Chunks:  # type: ignore[type-arg]
            where = (cell.task, cell.episode)
            noise = [stream("probe", cell.seed, *where, draw) for draw in range(DRAWS)]
            execute = policy.traits.execute
            actions = planned(policy, seen, noise, steps, cell.solver, execute).actions
            if fault := infinite(actions):
                raise fault
            return actions[:, :execute].reshape(DRAWS, -1)

        reference = chunks(REFERENCE_STEPS)
        for steps in counts:
            own = chunks(steps)
            off = float(np.sqrt(np.mean((own - reference) ** 2)))
            found[steps].append((off, energy_distance(own, reference)))
    return [_quality(cell, found[cell.steps]) for cell in cells]


def energy_distance(a: Chunks, b: Chunks) -> float:
    """Return the energy distance of two samples, (N, D) and (M, D), in units of their numbers.

    It is the square root of `squared_energy_distance`, and 0 where chance makes that negative.
    """
    return max(0.0, squared_energy_distance(a, b)) ** 0.5


def _quality(cell: Cell, distances: Sequence[tuple[float, float]]) -> Quality:
    rmse, energy = np.mean(distances, axis=0)
    return Quality(
        policy=cell.policy,
        weights=cell.weights,
        task=cell.task,
        engine=cell.engine,
        renderer=cell.renderer,
        variation=cell.variation,
        seed=cell.seed,
        steps=cell.steps,
        solver=cell.solver,
        reference_steps=REFERENCE_STEPS,
        states=STATES,
        draws=DRAWS,
        rmse=float(f"{rmse:.6g}"),
        energy_distance=float(f"{energy:.6g}"),
    )
