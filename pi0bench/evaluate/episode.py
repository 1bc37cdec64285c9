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

from pi0bench.envs.conditions import noisy_image, noisy_proprio, start
from pi0bench.envs.observe import Cloud
from pi0bench.envs.render.renderer import Image, Renderer
from pi0bench.envs.tabletop import Tabletop
from pi0bench.envs.variation import variation
from pi0bench.envs.world import PhysicsFault
from pi0bench.evaluate.planning import Chunk, PolicyFault, Question, Stopwatch, ask, describe
from pi0bench.evaluate.smoothness import smoothness
from pi0bench.policies.policy import Observation, Policy, Traits
from pi0bench.results.record import Cell, Record, Timing
from pi0bench.seeds import stream
from pi0bench.tasks.spec import TaskSpec

Watch = Callable[[Tabletop], None]
Felt = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an episode left behind; frames, (side, side, 3) each, only when they were asked for."""

    record: Record
    timing: Timing
    frames: tuple[Image, ...] = ()


def run(
    cells: Sequence[Cell],
    policy: Policy,
    task: TaskSpec,
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
        stopwatch: times each episode's first plan, alone.
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
                if rollout.replans == 0:
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

    def __init__(self, cell: Cell, task: TaskSpec, watch: Watch | None = None) -> None:
        self.cell, self.status, self.fault = cell, "", ""
        self.replans, self.trunk_evaluations, self.wall_s = 0, 0, 0.0
        self.times: Mapping[str, float] = {}
        self._closed = False
        self._executed: list[list[NDArray[np.float64]]] = []
        self._watch = watch or (lambda env: None)
        self._variation = variation(cell.variation)
        self._layout, how = start(task, cell.variation, cell.seed, cell.episode)
        self._env: Tabletop | None = None
        self._cloud: Cloud | None = None
        try:
            self._env = Tabletop(task, self._layout, cell.engine, conditions=how)
            self._watch(self._env)
        except PhysicsFault as error:
            self._end("env_fault", describe(error))

    @property
    def env(self) -> Tabletop:
        """The world and its task; there is none only when it failed to build."""
        assert self._env is not None
        return self._env

    def question(self, traits: Traits, renderer: Renderer | None) -> Question:
        """Return what the policy may know now."""
        drawn = self.env.images(renderer, traits.image_side) if renderer else {}
        drawn, proprio = self._sensed(drawn, self.env.proprio())
        points = self._points(traits.points)
        for array in (proprio, *drawn.values(), *([] if points is None else [points])):
            array.setflags(write=False)
        expert = self.env.expert_action if traits.privileged else None
        where = (self.cell.task, self.cell.episode, self.replans)
        return Question(
            Observation(MappingProxyType(drawn), proprio, self._layout.instruction, expert, points),
            partial(stream, "noise", self.cell.seed, *where),
        )

    def _points(self, count: int) -> Felt | None:
        """The cloud now, (count, 6); its points keep their places on things from the first on."""
        if not count:
            return None
        now = self.env.snapshot()
        if self._cloud is None:
            self._cloud = Cloud(self.env.world.scene, now, count)
        return self._cloud.points(now)

    def _sensed(self, drawn: dict[str, Image], felt: Felt) -> tuple[dict[str, Image], Felt]:
        """What the variation's sensors make of pictures and proprioception at this re-plan."""
        how, cell = self._variation, self.cell
        if not (how.image_sigma_levels or how.position_sigma_mm or how.angle_sigma_rad):
            return drawn, felt
        where = (cell.variation, cell.task, cell.episode, self.replans)
        rng = stream("variation", cell.seed, *where)
        felt = noisy_proprio(how, felt, rng)
        return {name: noisy_image(how, image, rng) for name, image in drawn.items()}, felt

    def follow(self, answer: Chunk | PolicyFault) -> None:
        """Carry out a chunk, up to the episode's end."""
        self.replans += 1
        if isinstance(answer, PolicyFault):
            return self._end("policy_fault", str(answer))
        self.trunk_evaluations += answer.trunk_evaluations
        self._executed.append([])
        for action in answer.actions:
            self._executed[-1].append(action)
            try:
                self.env.step(action)
            except PhysicsFault as error:
                return self._end("env_fault", describe(error))
            self._watch(self.env)
            if self.env.succeeded:
                return self._end("success")
            if self.env.steps >= self.env.max_steps:
                return self._end("failure")
        return None

    def _end(self, status: str, fault: str = "") -> None:
        self.status, self.fault = status, fault

    def outcome(self) -> Outcome:
        """Return what it leaves behind."""
        env = self._env
        success_s, progress, mode = None, 0.0, ""
        if env is not None:
            began = env.steps - env.verdict.goal_steps + 1
            success_s = began / env.control_hz if self.status == "success" else None
            progress, mode = env.verdict.progress, env.verdict.mode
        jerk, jump = smoothness(self._executed, env.control_hz) if env else (None, None)
        record = Record(
            cell=self.cell,
            status=self.status,
            length=0 if env is None else env.steps,
            success_s=success_s,
            progress=1.0 if self.status == "success" else progress,
            instruction=self._layout.instruction,
            replans=self.replans,
            trunk_evaluations=self.trunk_evaluations,
            jerk_m_s3=jerk,
            jump_m_s=jump,
            mode=mode,
            fault=self.fault,
        )
        return Outcome(record, Timing(self.cell.key(), self.wall_s, attempts=1, **self.times))

    def close(self) -> None:
        """Free the world; how the episode stands can still be asked."""
        if self._env is not None and not self._closed:
            self._closed = True
            self._env.close()
