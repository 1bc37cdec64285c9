"""The episode loop: a batch of start states in lock step, one policy, one task."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import perf_counter

from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.evaluate.ask_policy import ask
from pi0bench.evaluate.environment_reuse import Kept
from pi0bench.evaluate.film_recording import FirstOfEach
from pi0bench.evaluate.lock_step import step_together
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.rollout import Outcome, Rollout
from pi0bench.evaluate.task_sources import Task
from pi0bench.policy.policy_protocol import Policy
from pi0bench.records.record import Cell

TIMED_EVERY = 5
"""A plan for one robot takes longer than its share of a batch: few are timed."""


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
                if running[-1].knockable:
                    running.append(Rollout(cell, task, kept=kept, twin=running[-1]))
            asking = [rollout for rollout in running if not rollout.status]
            questions = [rollout.question(policy.traits, renderer) for rollout in asking]
            for rollout, question in zip(asking, questions, strict=True):
                first = rollout.replans == 0 and rollout.twin is None
                if first and rollout.cell.episode % TIMED_EVERY == 0:
                    rollout.times = stopwatch.times(policy, question, cells[0])
            answers = ask(policy, questions, cells[0]) if questions else []
            for rollout, answer in zip(asking, answers, strict=True):
                rollout.take(answer)
            carry_out(asking)
            for rollout in asking:
                rollout.compare()
            share_s = (perf_counter() - start_s) / len(running)
            for rollout in running:
                rollout.wall_s += share_s
            ended = [rollout for rollout in running if rollout.status]
            running = [rollout for rollout in running if not rollout.status]
            for rollout in ended:
                rollout.close()
            for end in (rollout.outcome() for rollout in ended if rollout.twin is None):
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
