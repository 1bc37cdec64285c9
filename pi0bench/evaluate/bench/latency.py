"""What one plan for one robot takes on this machine, by its parts: the numbers of a device profile.

Times are of the clock on the wall, since that is what a robot waits for. What a plan takes grows by
the same with every evaluation of the sampler, so two numbers of steps tell all others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version as version_of
from itertools import cycle, islice

import numpy as np

from pi0bench.envs.render.choose_renderer import choose, make
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.errors import UsageError
from pi0bench.evaluate import policy_sources
from pi0bench.evaluate.ask_policy import Question
from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.rollout import Rollout
from pi0bench.machine import processor
from pi0bench.policy.policy_protocol import Committed, Policy, on_one_thread
from pi0bench.records.record import Cell
from pi0bench.report.device_profiles import GUIDED, DeviceProfile
from pi0bench.task.task_files import task as load_task
from pi0bench.task.task_spec import TaskSpec
from pi0bench.version import version

PLANS = 100
FEW, MANY = 1, 10
"""Sampler steps of the two kinds of plans that are timed."""
STATISTICS = {"p50": 50.0, "p95": 95.0}
_MEDIAN = STATISTICS["p50"]
_EVERY = 4
_WHOLE = "replan_ms"


@dataclass(frozen=True)
class Plans:
    """Plans of one kind that were timed.

    Attributes:
        evaluations: of the action expert in each.
        times_ms: of the whole and of its parts, by name.
    """

    evaluations: int
    times_ms: Mapping[str, Sequence[float]]

    def ms(self, part: str, percent: float) -> float:
        """A percentile of a part's times; 0 for a part that the policy does not tell."""
        return float(np.percentile(self.times_ms.get(part, [0.0]), percent))


def profiles(settings: Settings, plans: int = PLANS) -> list[DeviceProfile]:
    """Profiles of this machine, the medians and the 95th percentiles, for the first policy.

    Raises:
        UsageError: a name is wrong, or the policy fails.
    """
    policy, task = policy_sources.load(settings.policies[0]), load_task(settings.tasks[0])
    on_one_thread(policy)
    name = choose(settings.renderer, settings.engine)[0]
    cell = expand(replace(settings, renderer=name), {policy.name: policy.traits}, [task])[0]
    renderer = make(name) if policy.traits.image_side else None
    traits = policy.traits
    device, where = processor.name(), "one thread"
    if traits.device != "cpu":
        import torch

        device, where = torch.cuda.get_device_name(), "the GPU"
    times_us = latency(cell, policy, questions(cell, policy, task, renderer), plans)
    return [
        DeviceProfile(
            name="",
            hash="",
            summary=f"{policy.name} on {where} of this machine, {statistic} of {plans} plans.",
            kind="measured",
            device=device,
            model=f"{policy.name} (weights {traits.weights}), {traits.dtype}, one robot",
            statistic=statistic,
            source=f"pi0bench bench --profile, version {version()}, torch {version_of('torch')}",
            latency_us=times_us(percent),
        )
        for statistic, percent in STATISTICS.items()
    ]


def questions(
    cell: Cell, policy: Policy, task: TaskSpec, renderer: Renderer | None
) -> list[Question]:
    """What a policy is asked in an episode of the expert, every fourth control step."""
    rollout, found = Rollout(cell, task), []
    try:
        while not rollout.env.over:
            if rollout.env.steps % _EVERY == 0:
                found.append(rollout.question(policy.traits, renderer))
            rollout.env.step(rollout.env.expert_action())
    finally:
        rollout.close()
    return found


def latency(
    cell: Cell, policy: Policy, asked: Sequence[Question], plans: int = PLANS
) -> Callable[[float], dict[str, int]]:
    """Time plans for one robot.

    Args:
        cell: of the policy; its solver counts.
        policy: that plans.
        asked: what it is asked, one after the other and again.
        plans: of each kind that are timed.

    Returns:
        What gives for a percentile the whole microseconds of each part of a profile. The whole of
        a plan is that percentile at either number of steps; `overhead` is what parts leave.

    Raises:
        UsageError: the policy fails, or gives none of its plans in the time that is told.
    """

    def timed(steps: int, some: Sequence[Question]) -> Plans:
        return _timed(replace(cell, steps=steps), policy, list(islice(cycle(some), plans)))

    if not policy.traits.solvers:
        once = timed(0, asked)
        return lambda percent: _parts(once, once, percent)
    few, many = timed(FEW, asked), timed(MANY, asked)
    if not policy.traits.guidable:
        return lambda percent: _parts(few, many, percent)
    guided = timed(MANY, [_guided(question, policy) for question in asked])
    return lambda percent: {
        **(found := _parts(few, many, percent)),
        GUIDED: _us(guided.ms(_WHOLE, percent) - _fixed_ms(found)) // guided.evaluations,
    }


def _parts(few: Plans, many: Plans, percent: float) -> dict[str, int]:
    """The parts of a profile, µs; the same plans twice where the steps cannot be chosen.

    What does not grow with the steps is shared out as its medians are.
    """
    more = many.evaluations - few.evaluations
    whole_ms, sampler_ms = few.ms(_WHOLE, percent), few.ms("sampler_ms", _MEDIAN)
    step_ms = (many.ms(_WHOLE, percent) - whole_ms) / more if more else sampler_ms
    step_ms = max(0.0, step_ms) / (1 if more else max(few.evaluations, 1))
    spent_ms = step_ms * few.evaluations
    eyes_ms, prefix_ms = few.ms("eyes_ms", _MEDIAN), few.ms("prefix_ms", _MEDIAN)
    head_ms = max(0.0, sampler_ms - spent_ms)
    rest_ms = max(0.0, few.ms(_WHOLE, _MEDIAN) - eyes_ms - prefix_ms - head_ms - spent_ms)
    fixed = {"eyes": eyes_ms, "prefix": prefix_ms, "head": head_ms, "overhead": rest_ms}
    share = max(0.0, whole_ms - spent_ms) / (sum(fixed.values()) or 1.0)
    return {"step": _us(step_ms), **{name: _us(share * ms) for name, ms in fixed.items()}}


def _fixed_ms(parts: Mapping[str, int]) -> float:
    return sum(us for name, us in parts.items() if name != "step") / 1000


def _us(ms: float) -> int:
    return max(0, round(1000 * ms))


def _guided(question: Question, policy: Policy) -> Question:
    """The question of a robot that goes on with a plan."""
    traits = policy.traits
    ahead = np.zeros((traits.horizon - traits.execute, 7))
    committed = Committed(ahead, 1, traits.execute, "soft")
    return replace(question, observation=replace(question.observation, committed=committed))


def _timed(cell: Cell, policy: Policy, asked: Sequence[Question]) -> Plans:
    watch = Stopwatch()
    found = [watch.times(policy, question, cell) for question in asked]
    if not all(found):
        raise UsageError(f"{cell.policy}: gave no plan at {cell.steps} steps; run it to see why")
    plan = policy.plan([asked[0].observation], [asked[0].noise()], cell.steps, cell.solver)
    count = int(np.max(plan.trunk_evaluations))
    return Plans(count, {name: [times[name] for times in found] for name in found[0]})
