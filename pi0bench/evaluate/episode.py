"""The episode loop: a batch of start states in lock step, one policy, one task."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.episode import Episode, Verdict
from pi0bench.envs.render.renderer import Image, Renderer
from pi0bench.envs.world import EnvFault
from pi0bench.evaluate.planning import Chunk, PolicyFault, Question, Stopwatch, ask, describe
from pi0bench.evaluate.smoothness import smoothness
from pi0bench.evaluate.sources import Task, begin
from pi0bench.policies.policy import Observation, Policy, Traits
from pi0bench.results.record import Cell, Record, Timing
from pi0bench.roles import Role
from pi0bench.seeds import stream

NOTHING: Mapping[str, Image] = MappingProxyType({})
TIMED_EVERY = 5
"""A plan for one robot takes longer than its share of a batch: few are timed."""

Watch = Callable[[Episode], None]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an episode left behind; frames, (side, side, 3) each, only when they were asked for."""

    record: Record
    timing: Timing
    frames: tuple[Image, ...] = ()


def run(
    cells: Sequence[Cell],
    policy: Policy,
    task: Task,
    renderer: Renderer | None,
    stopwatch: Stopwatch,
    watch: Watch | None = None,
    abreast: int = 8,
) -> Iterator[Outcome]:
    """Run cells that differ in the episode alone; an episode never depends on its neighbours.

    Each is yielded when it ends, and the next begins in its place, so that the policy plans for as
    many as it can.

    Args:
        cells: one episode each.
        policy: plans for all the episodes that still run.
        task: the cells' task.
        renderer: draws what the policy sees, only when it plans; None when it sees nothing.
        stopwatch: times the first plan of every `TIMED_EVERY`th episode, alone.
        watch: called at the start and after every control step.
        abreast: episodes that run at a time.
    """
    waiting, running = deque(cells), list[Rollout]()
    try:
        while waiting or running:
            start_s = perf_counter()
            while waiting and len(running) < abreast:
                running.append(Rollout(waiting.popleft(), task, watch))
            asking = [rollout for rollout in running if not rollout.status]
            questions = [rollout.question(policy.traits, renderer) for rollout in asking]
            for rollout, question in zip(asking, questions, strict=True):
                if rollout.replans == 0 and rollout.cell.episode % TIMED_EVERY == 0:
                    rollout.times = stopwatch.times(policy, question, cells[0])
            answers = ask(policy, questions, cells[0]) if questions else []
            for rollout, answer in zip(asking, answers, strict=True):
                rollout.follow(answer)
            share_s = (perf_counter() - start_s) / len(running)
            for rollout in running:
                rollout.wall_s += share_s
            ended = [rollout for rollout in running if rollout.status]
            running = [rollout for rollout in running if not rollout.status]
            for rollout in ended:
                rollout.close()
            yield from (rollout.outcome() for rollout in ended)
    finally:
        for rollout in running:
            rollout.close()


class Rollout:
    """One episode on its way; `status` is empty while it runs, `wall_s` its share of the time."""

    def __init__(self, cell: Cell, task: Task, watch: Watch | None = None) -> None:
        self.cell, self.status, self.fault = cell, "", ""
        self.replans, self.trunk_evaluations, self.clipped, self.wall_s = 0, 0, 0, 0.0
        self.times: Mapping[str, float] = {}
        self._closed = False
        self._executed: list[NDArray[np.float64]] = []
        self._watch = watch
        self._env: Episode | None = None
        try:
            self._env = begin(cell, task)
            if watch:
                watch(self._env)
        except EnvFault as error:
            self._end("env_fault", describe(error))

    @property
    def env(self) -> Episode:
        """Its world; there is none only when it failed to build."""
        assert self._env is not None
        return self._env

    def question(self, traits: Traits, renderer: Renderer | None) -> Question:
        """Return what the policy may know now."""
        env = self.env
        seen = env.observe(renderer, traits.image_side, traits.points)
        seen.proprio.flags.writeable = False
        for image in seen.images.values():
            image.flags.writeable = False
        if seen.points is not None:
            seen.points.flags.writeable = False
        observation = Observation(
            images=MappingProxyType(seen.images) if seen.images else NOTHING,
            proprio=seen.proprio,
            instruction=env.instruction,
            expert_action=env.expert_action if traits.role is Role.PRIVILEGED else None,
            points=seen.points,
            joints_rad=seen.joints_rad,
            low=env.low,
            high=env.high,
        )
        cell = self.cell
        return Question(
            observation, partial(stream, "noise", cell.seed, cell.task, cell.episode, self.replans)
        )

    def follow(self, answer: Chunk | PolicyFault) -> None:
        """Carry out a chunk, up to the episode's end."""
        self.replans += 1
        if isinstance(answer, PolicyFault):
            return self._end("policy_fault", str(answer))
        self.trunk_evaluations += answer.trunk_evaluations
        env, watch, done = self.env, self._watch, 0
        try:
            for action in answer.actions:
                done += 1
                env.step(action)
                if watch:
                    watch(env)
                if env.over:
                    self._end("success" if env.succeeded else "failure")
                    break
        except EnvFault as error:
            self._end("env_fault", describe(error))
        self._executed.append(answer.actions[:done])
        if answer.clipped is not None:
            self.clipped += int(answer.clipped[:done].sum())
        return None

    def _end(self, status: str, fault: str = "") -> None:
        self.status, self.fault = status, fault

    def outcome(self) -> Outcome:
        """Return what it leaves behind."""
        env = self._env
        verdict = env.verdict if env else Verdict()
        success_s, jerk, jump = None, None, None
        if env and self.status == "success":
            success_s = (env.steps - verdict.goal_steps + 1) / env.control_hz
        if env and env.speed_m_s is not None:
            jerk, jump = smoothness(self._executed, env.control_hz, env.speed_m_s)
        record = Record(
            cell=self.cell,
            status=self.status,
            length=env.steps if env else 0,
            success_s=success_s,
            progress=1.0 if self.status == "success" else verdict.progress,
            instruction=env.instruction if env else "",
            replans=self.replans,
            trunk_evaluations=self.trunk_evaluations,
            jerk_m_s3=jerk,
            jump_m_s=jump,
            mode=verdict.mode,
            fault=self.fault,
            clipped=self.clipped,
        )
        return Outcome(record, Timing(self.cell.key(), self.wall_s, attempts=1, **self.times))

    def close(self) -> None:
        """Free the world; how the episode stands can still be asked."""
        if self._env is not None and not self._closed:
            self._closed = True
            self._env.close()
