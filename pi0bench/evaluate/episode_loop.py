"""The episode loop: a batch of start states in lock step, one policy, one task."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

from pi0bench.envs.episode_protocol import Episode, Verdict
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.envs.world_protocol import EnvFault
from pi0bench.evaluate.action_queue import ActionQueue
from pi0bench.evaluate.ask_policy import Chunk, Question, ask
from pi0bench.evaluate.clocks import Pace
from pi0bench.evaluate.environment_reuse import Kept
from pi0bench.evaluate.fault_attribution import describe, of_machine
from pi0bench.evaluate.film_recording import FirstOfEach, Recorder, Recording
from pi0bench.evaluate.lock_step import step_together
from pi0bench.evaluate.observation_history import Witness
from pi0bench.evaluate.plan_checks import PolicyFault
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.smoothness import smoothness
from pi0bench.evaluate.task_sources import Task
from pi0bench.policy.policy_protocol import Committed, Policy, Traits
from pi0bench.random_streams import stream
from pi0bench.records.record import Cell, Record, Timing

TIMED_EVERY = 5
"""A plan for one robot takes longer than its share of a batch: few are timed."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What an episode left behind.

    Attributes:
        record: how it ended.
        timing: what it took.
        recording: of which a film can be drawn, only when it was asked for.
        reset: True when its environment had had another episode before.
        unclean: what was otherwise after a reset than in a fresh environment, whose record this is.
    """

    record: Record
    timing: Timing
    recording: Recording | None = None
    reset: bool = False
    unclean: str = ""


def run(
    cells: Sequence[Cell],
    policy: Policy,
    task: Task,
    renderer: Renderer | None,
    stopwatch: Stopwatch,
    films: FirstOfEach | None = None,
    abreast: int = 8,
    kept: Kept | None = None,
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
        films: tells which episodes are recorded; None records none.
        abreast: episodes that run at a time.
        kept: environments to reset; None builds one for each episode.
    """
    waiting, running = deque(cells), list[Rollout]()
    try:
        while waiting or running:
            start_s = perf_counter()
            while waiting and len(running) < abreast:
                cell = waiting.popleft()
                record = films is not None and films.open(cell.episode)
                running.append(Rollout(cell, task, record, kept))
            asking = [rollout for rollout in running if not rollout.status]
            questions = [rollout.question(policy.traits, renderer) for rollout in asking]
            for rollout, question in zip(asking, questions, strict=True):
                if rollout.replans == 0 and rollout.cell.episode % TIMED_EVERY == 0:
                    rollout.times = stopwatch.times(policy, question, cells[0])
            answers = ask(policy, questions, cells[0]) if questions else []
            for rollout, answer in zip(asking, answers, strict=True):
                rollout.take(answer)
            carry_out(asking)
            share_s = (perf_counter() - start_s) / len(running)
            for rollout in running:
                rollout.wall_s += share_s
            ended = [rollout for rollout in running if rollout.status]
            running = [rollout for rollout in running if not rollout.status]
            for rollout in ended:
                rollout.close()
            for end in (rollout.outcome() for rollout in ended):
                kept_back = end.recording is None or films is None or not films.take(end.record)
                yield replace(end, recording=None) if kept_back else end
    finally:
        for rollout in running:
            rollout.close()


def carry_out(rollouts: Sequence[Rollout]) -> None:
    """Step them together until each has come to its next look or to the end of its episode."""
    while moving := [r for r in rollouts if r.queue and not r.status]:
        actions = [rollout.queue.next for rollout in moving]
        faults = step_together([rollout.env for rollout in moving], actions)
        for rollout, fault in zip(moving, faults, strict=True):
            rollout.stepped(fault)


class Rollout:
    """One episode on its way.

    Attributes:
        status: empty while it runs.
        queue: its actions.
        wall_s: its share of the time.
    """

    def __init__(
        self, cell: Cell, task: Task, record: bool = False, kept: Kept | None = None
    ) -> None:
        self.cell, self.status, self.fault = cell, "", ""
        self.replans, self.trunk_evaluations, self.wall_s = 0, 0, 0.0
        self.times: Mapping[str, float] = {}
        self.queue = ActionQueue()
        self._closed = False
        self._memory: Any = None
        self._witness: Witness | None = None
        self._recorder: Recorder | None = None
        self._kept = kept or Kept(most=0)
        self._env: Episode | None = None
        self._reset = False
        try:
            self._env, self._reset = self._kept.begin(cell, task)
            if record:
                self._recorder = Recorder(self._env)
                self._recorder.note()
        except EnvFault as error:
            self._break(error)

    @property
    def env(self) -> Episode:
        """Its world; there is none only when it failed to build."""
        assert self._env is not None
        return self._env

    def question(self, traits: Traits, renderer: Renderer | None) -> Question:
        """Return what the policy may know now."""
        cell, pace = self.cell, Pace.of(self.cell, traits)
        if self._witness is None:
            self._witness = Witness(self.env, cell.key(), traits, renderer, pace.period)
        seen = self._witness.observe(self._memory)
        if pace.guidance:
            committed = Committed(
                self.queue.ahead(len(seen.low)), pace.delay, pace.execute, pace.guidance
            )
            seen = replace(seen, committed=committed)
        if self._recorder:
            self._recorder.saw(seen.images)
        return Question(
            seen,
            partial(stream, "noise", cell.seed, cell.task, cell.episode, self.replans),
        )

    def take(self, answer: Chunk | PolicyFault) -> None:
        """Have a chunk to carry out, or end here."""
        self.replans += 1
        if isinstance(answer, PolicyFault):
            if self._recorder:
                self._recorder.note(last=True)
            return self._end("policy_fault", str(answer))
        self.trunk_evaluations += answer.trunk_evaluations
        self._memory = answer.memory
        self.queue.take(answer)
        return None

    def stepped(self, fault: EnvFault | None) -> None:
        """Look at where the next action has led, or why it led nowhere."""
        env, recorder, witness = self.env, self._recorder, self._witness
        self.queue.done()
        try:
            if fault:
                raise fault
            if recorder:
                recorder.note(last=env.over)
            if env.over:
                self._end("success" if env.succeeded else "failure")
            elif witness:
                witness.step_done(len(self.queue))
        except EnvFault as error:
            self._break(error)

    def _break(self, error: EnvFault) -> None:
        """End here, unless the machine is to blame: then it is to be begun again."""
        if of_machine(error):
            raise error
        self._end("env_fault", describe(error))

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
            jerk, jump = smoothness(self.queue.chunks(), env.control_hz, env.speed_m_s)
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
            clipped=self.queue.clipped,
            held=self.queue.held,
        )
        timing = Timing(self.cell.key(), self.wall_s, attempts=1, **self.times)
        recording = self._recorder.recording() if self._recorder else None
        return Outcome(record, timing, recording, reset=self._reset)

    def close(self) -> None:
        """Let go of the world; how the episode stands can still be asked."""
        if self._env is not None and not self._closed:
            self._closed = True
            self._kept.end(self.cell, self._env, sound=self.status not in ("", "env_fault"))
