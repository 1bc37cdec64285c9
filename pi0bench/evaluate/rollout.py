"""One episode on its way: what its policy is asked, what is carried out, and how it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pi0bench.envs.episode_protocol import Episode, Verdict
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.envs.world_protocol import EnvFault
from pi0bench.evaluate import reaction
from pi0bench.evaluate.action_queue import ActionQueue
from pi0bench.evaluate.ask_policy import Chunk, Question
from pi0bench.evaluate.clocks import Pace
from pi0bench.evaluate.environment_reuse import Kept
from pi0bench.evaluate.fault_attribution import describe, of_machine
from pi0bench.evaluate.film_recording import Recorder, Recording
from pi0bench.evaluate.observation_history import Witness
from pi0bench.evaluate.plan_checks import PolicyFault
from pi0bench.evaluate.smoothness import smoothness
from pi0bench.evaluate.task_sources import Task
from pi0bench.policy.policy_protocol import Committed, Traits
from pi0bench.random_streams import stream
from pi0bench.records.record import Cell, Record, Timing


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


class Rollout:
    """One episode on its way.

    Attributes:
        status: empty while it runs.
        queue: its actions.
        wall_s: its share of the time.
        twin: of which it is the episode without a knock; None when it is measured itself.
    """

    def __init__(
        self,
        cell: Cell,
        task: Task,
        record: bool = False,
        kept: Kept | None = None,
        twin: Rollout | None = None,
    ) -> None:
        self.cell, self.status, self.fault, self.twin = cell, "", "", twin
        self.reaction_s: float | None = None
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
            self.queue = ActionQueue((self._env.speed_m_s or 0.0) / self._env.control_hz)
            if twin:
                reaction.spare(self._env)
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

    @property
    def knockable(self) -> bool:
        """True when something of it is to be knocked."""
        return self._env is not None and reaction.knockable(self._env)

    def compare(self) -> None:
        """As a twin, tell the episode when it reacted, and end when it has or nothing can come."""
        of = self.twin
        if of is None or self.status:
            return
        of.reaction_s = reaction.reaction_s(of.env, of.queue.commands, self.queue.commands)
        if of.status or of.reaction_s is not None:
            self._end("cancelled")

    def question(self, traits: Traits, renderer: Renderer | None) -> Question:
        """Return what the policy may know now."""
        cell, pace = self.cell, Pace.of(self.cell, traits)
        if self._witness is None:
            name = f"{cell.key()}-twin" if self.twin else cell.key()
            self._witness = Witness(self.env, name, traits, renderer, pace.grain)
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
            reaction_s=self.reaction_s,
        )
        timing = Timing(self.cell.key(), self.wall_s, attempts=1, **self.times)
        recording = self._recorder.recording() if self._recorder else None
        return Outcome(record, timing, recording, reset=self._reset)

    def close(self) -> None:
        """Let go of the world; how the episode stands can still be asked."""
        if self._env is not None and not self._closed:
            self._closed = True
            self._kept.end(self.cell, self._env, sound=self.status not in ("", "env_fault"))
