"""What a run will measure, written out as a list before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from pi0bench.argument_bounds import bounded, countable
from pi0bench.envs.controller import known_rate
from pi0bench.errors import UsageError, unknown
from pi0bench.evaluate.clocks import Pace, known_delays, paces
from pi0bench.evaluate.look_rules import RULES
from pi0bench.evaluate.resampled_policy import at_rate
from pi0bench.evaluate.task_sources import Task
from pi0bench.policy.policy_protocol import Traits
from pi0bench.records.manifest import plan_hash
from pi0bench.records.record import FIXED_LOOK, STILL, USUAL_HZ, Cell

_ROUND = 5
_TIME = ("clocks", "delays", "executes", "rates", "coarsens", "looks")
_SEVERAL = ("policies", "tasks", "steps", "solvers", "variations", *_TIME)
"""The settings of which there may be several."""


@dataclass(frozen=True)
class Settings:
    """What the user asks for.

    Attributes:
        policies: names.
        tasks: ids.
        engine: the physics.
        renderer: which one draws what the policies see; "auto" until it has been chosen.
        episodes: start states of each task, numbered from 0.
        steps: sampler steps to try; () for each policy's own default.
        solvers: samplers to try; () for each policy's own default.
        seed: of all randomness.
        variations: how episodes depart from the task file; "nominal" is not at all.
        stop_early: end once every other condition is shown to differ from the first.
        clocks: what goes on while a policy plans, names in `pi0bench.evaluate.clocks.CLOCKS`.
        delays: control steps from a look to its plan; a world that waits knows none.
        executes: actions of a plan until the next; () for each policy's own default.
        rates: control steps a second; () for each policy's own.
        coarsens: of the points of a plan's trajectory every so many-th is kept.
        looks: when the robot looks again, names in `pi0bench.evaluate.look_rules.RULES`.
    """

    policies: tuple[str, ...]
    tasks: tuple[str, ...]
    engine: str = "mujoco"
    renderer: str = "auto"
    episodes: int = 50
    steps: tuple[int, ...] = ()
    solvers: tuple[str, ...] = ()
    seed: int = 0
    variations: tuple[str, ...] = ("nominal",)
    stop_early: bool = False
    clocks: tuple[str, ...] = (STILL,)
    delays: tuple[int, ...] = (0,)
    executes: tuple[int, ...] = ()
    rates: tuple[int, ...] = ()
    coarsens: tuple[int, ...] = (1,)
    looks: tuple[str, ...] = (FIXED_LOOK,)

    def __post_init__(self) -> None:
        for name in _SEVERAL:
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))
        if not self.policies:
            raise UsageError("--policy: name at least one")
        if not self.tasks:
            raise UsageError("--task: name at least one")
        if not self.variations:
            raise UsageError("--variation: name at least one")
        numbers = {"--steps": self.steps, "--delay": self.delays, "--execute": self.executes}
        numbers["--coarsen"] = self.coarsens
        for option, value in ((option, v) for option, of in numbers.items() for v in of):
            bounded(option, value)
        bounded("--seed", self.seed)
        known_delays(self.clocks, self.delays)
        for hz in self.rates:
            known_rate("--control-hz", hz)
        for name in self.looks:
            if name not in RULES:
                raise UsageError(f"--look: {unknown('rule', name, RULES)}")
        countable(self.episodes, *(len(getattr(self, name)) or 1 for name in _SEVERAL))

    def told(self) -> dict[str, Any]:
        """Return them for a manifest; of a world that waits, nothing is said of time."""
        plain = Settings(self.policies, self.tasks)
        usual = {name for name in _TIME if getattr(self, name) == getattr(plain, name)}
        return {name: value for name, value in vars(self).items() if name not in usual}


def expand(
    settings: Settings, traits: Mapping[str, Traits], tasks: Sequence[Task]
) -> tuple[Cell, ...]:
    """Return every cell of a run, the episodes of one condition next to each other.

    A policy without a sampler has one cell an episode, of 0 steps, whatever steps and solvers are
    asked.

    Raises:
        UsageError: a policy with a sampler can use none of the solvers, or a policy cannot keep
            pace with a clock.
    """
    return tuple(
        Cell(
            policy=policy,
            weights=traits[policy].weights,
            task=task.id,
            task_hash=task.hash,
            engine=settings.engine,
            renderer=settings.renderer,
            variation=variation,
            seed=settings.seed,
            episode=episode,
            steps=steps,
            solver=solver,
            clock=pace.clock,
            delay=pace.delay,
            execute=0 if pace.execute == own.execute else pace.execute,
            control_hz=own.control_hz or USUAL_HZ,
            coarsen=coarsen,
            look=pace.look,
        )
        for policy in settings.policies
        for own, coarsen in _at_rates(settings, traits[policy])
        for pace in _paces(settings, policy, own)[0]
        for steps in _steps(settings, traits[policy])
        for solver in _solvers(settings, policy, traits[policy])
        for variation in settings.variations
        for task in tasks
        for episode in range(settings.episodes)
    )


def holds(
    settings: Settings,
    manifest: Mapping[str, Any],
    traits: Mapping[str, Traits],
    tasks: Sequence[Task],
) -> bool:
    """Whether a plan has all the cells of the one that a run's manifest tells of, and ends alike.

    Args:
        settings: of the plan.
        manifest: of the run.
        traits: of the plan's policies.
        tasks: of the plan.
    """
    try:
        before = Settings(**manifest["settings"])
        known = [task for task in tasks if task.id in before.tasks]
        there = expand(before, traits, known)
    except (KeyError, TypeError, UsageError):  # other policies or samplers, or another version's
        return False
    same = plan_hash(there) == manifest.get("plan") and before.stop_early == settings.stop_early
    return same and set(there) <= set(expand(settings, traits, tasks))


def left_out(settings: Settings, traits: Mapping[str, Traits]) -> list[str]:
    """Say what of the times that were asked for is no part of the plan, and why."""
    of = (
        _paces(settings, policy, own)[1]
        for policy in settings.policies
        for own, _ in _at_rates(settings, traits[policy])
    )
    return list(dict.fromkeys(said for problems in of for said in problems))


def _at_rates(settings: Settings, traits: Traits) -> list[tuple[Traits, int]]:
    """A policy's traits at each rate that is asked for, and how its plans are coarsened."""
    rates = settings.rates or (traits.control_hz or USUAL_HZ,)
    coarsens = settings.coarsens if traits.control_hz else (1,)
    return [(at_rate(traits, hz, each), each) for hz in rates for each in coarsens]


def _paces(settings: Settings, policy: str, traits: Traits) -> tuple[list[Pace], list[str]]:
    time = (settings.clocks, settings.delays, settings.executes, settings.looks)
    return paces(policy, traits, *time)


def _steps(settings: Settings, traits: Traits) -> tuple[int, ...]:
    if traits.steps == 0:
        return (0,)
    return settings.steps or (traits.steps,)


def _solvers(settings: Settings, policy: str, traits: Traits) -> tuple[str, ...]:
    """The samplers asked for, of those that the policy can use."""
    if not traits.solvers:
        return ("none",)
    asked = settings.solvers or traits.solvers[:1]
    usable = tuple(name for name in asked if name in traits.solvers)
    if not usable:
        raise UsageError(f"--solver: {policy} can use {', '.join(traits.solvers)}")
    return usable


def batches(cells: Iterable[Cell], size: int) -> list[tuple[Cell, ...]]:
    """Group neighbouring cells that differ in nothing but the episode, at most `size` together."""
    grouped: list[tuple[Cell, ...]] = []
    for _, group in groupby(cells, key=lambda cell: replace(cell, episode=0)):
        alike = list(group)
        grouped += [tuple(alike[i : i + size]) for i in range(0, len(alike), size)]
    return grouped


def rounds(cells: Sequence[Cell], settings: Settings) -> list[tuple[Cell, ...]]:
    """All cells at once; to stop early, five episodes of everything, then the next, and so on."""
    size = _ROUND if settings.stop_early else settings.episodes
    starts = range(0, settings.episodes, size)
    return [tuple(c for c in cells if first <= c.episode < first + size) for first in starts]
