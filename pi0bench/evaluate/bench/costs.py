"""What no run can save on this machine: the engine, the renderer and the policy, each bare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import fmean, median
from time import process_time

import numpy as np

from pi0bench.envs.cameras import CAMERAS, camera, picture
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.envs.world_protocol import PHYSICS_HZ, World
from pi0bench.evaluate.ask_policy import Question
from pi0bench.evaluate.rollout import Rollout
from pi0bench.policy.policy_protocol import Policy
from pi0bench.records.record import Cell, Record
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_spec import TaskSpec

CONTROL_HZ = 20
_PHYSICS_STEPS = 50
_EVERY = 4
_REPEATS = 5
_PLANS = 15
_MIN_ROWS = 8


@dataclass(frozen=True)
class Costs:
    """Processor milliseconds.

    Attributes:
        step_ms: one physics step.
        frame_ms: one picture of each camera; none where the policy sees none.
        parts_ms: of a policy's plan for one robot, by name, but for its sampler.
        evaluation_ms: one evaluation of its sampler for one robot; all of a plan where none is
            counted.
        rows: robots in the batch from which the policy's are taken.
    """

    step_ms: float
    frame_ms: Mapping[str, float]
    parts_ms: Mapping[str, float]
    evaluation_ms: float
    rows: int

    @classmethod
    def mean(cls, several: Sequence[Costs]) -> Costs:
        """What things cost on average over several looks, between which the machine changed."""
        first = several[0]

        def each(of: Callable[[Costs], Mapping[str, float]]) -> dict[str, float]:
            return {name: fmean(of(costs)[name] for costs in several) for name in of(first)}

        return cls(
            fmean(costs.step_ms for costs in several),
            each(lambda costs: costs.frame_ms),
            each(lambda costs: costs.parts_ms),
            fmean(costs.evaluation_ms for costs in several),
            first.rows,
        )

    def simulation_s(self, records: Sequence[Record]) -> float:
        """What the control steps of these episodes take at least, seconds."""
        steps = sum(record.length for record in records)
        return steps * (PHYSICS_HZ // CONTROL_HZ) * self.step_ms / 1000

    def rendering_s(self, records: Sequence[Record]) -> float:
        """What the pictures take at least, seconds."""
        return sum(record.replans for record in records) * sum(self.frame_ms.values()) / 1000

    def policy_s(self, records: Sequence[Record]) -> float:
        """What the plans take at least, seconds."""
        replans = sum(record.replans for record in records)
        evaluations = sum(record.trunk_evaluations for record in records) or replans
        return (replans * sum(self.parts_ms.values()) + evaluations * self.evaluation_ms) / 1000

    def least_s(self, records: Sequence[Record]) -> float:
        """All of it, seconds."""
        return self.simulation_s(records) + self.rendering_s(records) + self.policy_s(records)


def costs(cell: Cell, policy: Policy, task: TaskSpec, renderer: Renderer | None) -> Costs:
    """Time engine, renderer and policy, each alone, on states of the expert's episodes.

    Args:
        cell: of the policy to be timed; its task, engine, steps and solver count.
        policy: the cell's.
        task: the cell's.
        renderer: draws what the policy sees; None when it sees nothing.
    """
    side = policy.traits.image_side
    steps_ms: list[float] = []
    frames_ms: defaultdict[str, list[float]] = defaultdict(list)
    questions: list[Question] = []
    rollout = Rollout(cell, task)
    env = rollout.env
    assert isinstance(env, Tabletop)
    try:
        while not env.over:
            env.step(env.expert_action())
            if env.steps % _EVERY == 0:
                questions.append(rollout.question(policy.traits, renderer))
                steps_ms.append(_step_ms(env.world))
                if renderer is None:
                    continue
                for name in CAMERAS:
                    frames_ms[name].append(_frame_ms(env, name, renderer, side))
        frame_ms = {name: median(times) for name, times in frames_ms.items()}
        return Costs(fmean(steps_ms), frame_ms, *_plan_ms(policy, questions, cell))
    finally:
        rollout.close()


def _step_ms(world: World) -> float:
    before, times = world.state(), []
    for _ in range(_REPEATS):
        start_s = process_time()
        world.step(_PHYSICS_STEPS)
        times.append(1000 * (process_time() - start_s) / _PHYSICS_STEPS)
        world.set_state(before)
    return median(times)


def _frame_ms(env: Tabletop, name: str, renderer: Renderer, side: int) -> float:
    snapshot = env.snapshot()
    drawn, seen = picture(env.world.scene, snapshot), camera(name, snapshot)
    times = []
    for _ in range(_REPEATS):
        start_s = process_time()
        renderer.draw(drawn, seen, side, side)
        times.append(1000 * (process_time() - start_s))
    return median(times)


def _plan_ms(
    policy: Policy, questions: Sequence[Question], cell: Cell
) -> tuple[dict[str, float], float, int]:
    """Parts, evaluation and rows (see `Costs`), from plans of as many robots as a run batches."""
    rows = max(policy.traits.rows, _MIN_ROWS)
    asked = list(islice(cycle(questions), rows))
    seen = [question.observation for question in asked]
    whole_ms: list[float] = []
    parts: defaultdict[str, list[float]] = defaultdict(list)
    evaluations = 1.0
    for number in range(_PLANS + 1):
        noise = [question.noise() for question in asked]
        start_s = process_time()
        plan = policy.plan(seen, noise, cell.steps, cell.solver)
        if number:  # the first warms up
            whole_ms.append(1000 * (process_time() - start_s))
            for name, took_ms in plan.spent_ms.items():
                parts[name].append(took_ms)
        evaluations = max(1.0, float(np.mean(plan.trunk_evaluations)))
    # The parts are timed by the clock on the wall, which on a busy machine runs too fast for all
    # of them alike: their shares are right.
    wall = {name: median(times) for name, times in parts.items()}
    share = median(whole_ms) / sum(wall.values()) / rows if wall else 0.0
    each = {name: share * took_ms for name, took_ms in wall.items()}
    sampler = each.pop("sampler", median(whole_ms) / rows if not wall else 0.0)
    return each, sampler / evaluations, rows
