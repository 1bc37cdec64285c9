"""Asking a policy for actions: a chunk for each question, or whose fault it is that none came."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.evaluate.clocks import Pace
from pi0bench.evaluate.plan_checks import (
    PolicyFault,
    counts_of,
    infinite,
    memory_of,
    planned,
    policys_fault,
    spent_of,
)
from pi0bench.policy.policy_protocol import Observation, Policy
from pi0bench.records.record import Cell


@dataclass(frozen=True, eq=False)
class Question:
    """One row of a plan: what is seen, and how to start the noise that belongs to it."""

    observation: Observation
    noise: Callable[[], np.random.Generator]


@dataclass(frozen=True, eq=False)
class Chunk:
    """One row's sound answer, and what it took.

    Attributes:
        actions: that are needed, (`Pace.actions` or all, A), none below the least or above the
            greatest.
        clipped: how many numbers of each action were, one each; None when none was.
        trunk_evaluations: passes through the action expert.
        spent_ms: milliseconds by the part that took them.
        pace: at which it is followed.
        memory: for the episode's next question.
    """

    actions: NDArray[np.float64]
    clipped: NDArray[np.int64] | None
    trunk_evaluations: int
    spent_ms: Mapping[str, float]
    pace: Pace
    memory: Any = None


class Streams(Sequence[np.random.Generator]):
    """One generator for each question, started when it is first asked for."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self._questions = questions
        self._begun: dict[int, np.random.Generator] = {}

    def __len__(self) -> int:
        return len(self._questions)

    def __getitem__(self, row: int) -> np.random.Generator:  # type: ignore[override]
        row = range(len(self))[row]
        if row not in self._begun:
            self._begun[row] = self._questions[row].noise()
        return self._begun[row]


def ask(policy: Policy, questions: Sequence[Question], cell: Cell) -> list[Chunk | PolicyFault]:
    """Answer each question, as many in one plan as the policy's traits say.

    When a plan fails, each of its questions is asked alone, to find the guilty.
    """
    size = policy.traits.rows if policy.traits.rows > 1 else max(1, len(questions))
    groups = [questions[i : i + size] for i in range(0, len(questions), size)]
    return [answer for group in groups for answer in _ask(policy, group, cell)]


def _ask(policy: Policy, questions: Sequence[Question], cell: Cell) -> list[Chunk | PolicyFault]:
    try:
        filled = [*questions, *[questions[0]] * (-len(questions) % policy.traits.rows)]
        return ask_together(policy, filled, cell)[: len(questions)]
    except PolicyFault as fault:
        if len(questions) == 1:
            return [fault]
    return [answer for question in questions for answer in _ask(policy, [question], cell)]


def ask_together(
    policy: Policy, questions: Sequence[Question], cell: Cell
) -> list[Chunk | PolicyFault]:
    """Answer all questions in one plan.

    Raises:
        PolicyFault: the plan as a whole is not sound.
    """
    seen, pace = [question.observation for question in questions], Pace.of(cell, policy.traits)
    plan = planned(policy, seen, Streams(questions), cell.steps, cell.solver, pace.actions)
    actions, rows = plan.actions, len(seen)
    with policys_fault():
        counts, spent_ms = counts_of(plan.trunk_evaluations, rows), spent_of(plan.spent_ms)
    # A copy: the policy may write into its array while the chunk is carried out.
    asked = (actions if pace.whole else actions[:, : pace.actions]).astype(np.float64)
    legal = np.minimum(np.maximum(asked, seen[0].low), seen[0].high)
    outside = legal != asked
    clipped = list(outside.sum(axis=2)) if outside.any() else [None] * rows
    rows_of = zip(legal, clipped, counts, memory_of(plan.memory, rows), strict=True)
    chunks = [Chunk(a, out, n, spent_ms, pace, memory) for a, out, n, memory in rows_of]
    if np.isfinite(actions).all():
        return list(chunks)
    return [infinite(row) or chunk for row, chunk in zip(actions, chunks, strict=True)]
