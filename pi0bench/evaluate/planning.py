"""Asking a policy for actions, and letting none through that are not sound."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pi0bench.errors import Pi0benchError
from pi0bench.policies.policy import Observation, Plan, Policy
from pi0bench.results.record import Cell

_ACTION_DIM = 7
_FLOATS = (np.float32, np.float64)
_MAX_TEXT = 300
_PARTS = ("eyes", "prefix", "sampler")


class PolicyFault(Exception):
    """The policy did not give a sound plan; the message says what was expected and what came."""


@dataclass(frozen=True, eq=False)
class Question:
    """One row of a plan: what is seen, and how to start the noise that belongs to it."""

    observation: Observation
    noise: Callable[[], np.random.Generator]


@dataclass(frozen=True, eq=False)
class Chunk:
    """One row's sound answer: the actions to execute, (execute, 7), and what they took."""

    actions: NDArray[np.float64]
    trunk_evaluations: int
    spent_ms: Mapping[str, float]


class Flag(Protocol):
    """A truth that others can see, such as a `multiprocessing.sharedctypes.RawValue`."""

    value: bool


@contextmanager
def raised(flag: Flag) -> Iterator[None]:
    """Raise a flag for a while; it stays up when the process does not survive that."""
    flag.value = True
    try:
        yield
    finally:
        flag.value = False


class Watched:
    """A policy as it is, with something around each of its plans.

    Args:
        policy: that plans.
        around: given the number of rows, what surrounds a plan of theirs.
    """

    def __init__(
        self, policy: Policy, around: Callable[[int], AbstractContextManager[None]]
    ) -> None:
        self.name, self.traits = policy.name, policy.traits
        self._policy, self._around = policy, around

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """See `Policy.plan`."""
        with self._around(len(observations)):
            return self._policy.plan(observations, noise, steps, solver)


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
        return _together(policy, filled, cell)[: len(questions)]
    except (Pi0benchError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        if len(questions) == 1:
            return [error if isinstance(error, PolicyFault) else PolicyFault(describe(error))]
    return [answer for question in questions for answer in _ask(policy, [question], cell)]


def _together(
    policy: Policy, questions: Sequence[Question], cell: Cell
) -> list[Chunk | PolicyFault]:
    noise = [question.noise() for question in questions]
    seen = [question.observation for question in questions]
    plan = policy.plan(seen, noise, cell.steps, cell.solver)
    if not isinstance(plan, Plan):
        raise PolicyFault(f"plan: expected a Plan, got {type(plan).__name__}")
    execute = policy.traits.execute
    actions = plan.actions
    wanted = f"floats ({len(questions)}, {execute} or more, {_ACTION_DIM})"
    if not isinstance(actions, np.ndarray):
        raise PolicyFault(f"actions: expected {wanted} in an array, got {type(actions).__name__}")
    shape = actions.shape
    fits = len(shape) == 3 and shape[0] == len(questions) and shape[2] == _ACTION_DIM
    if not (fits and shape[1] >= execute and actions.dtype in _FLOATS):
        raise PolicyFault(f"actions: expected {wanted}, got {actions.dtype} {shape}")
    counts, spent_ms = _counts(plan.trunk_evaluations, len(questions)), _spent(plan.spent_ms)
    return [_row(row, execute, count, spent_ms) for row, count in zip(actions, counts, strict=True)]


def _counts(told: object, rows: int) -> list[int]:
    """A number of evaluations for each row, of one for all or one for each."""
    counts = np.asarray(told)
    whole = np.issubdtype(counts.dtype, np.integer) and counts.shape in ((), (rows,))
    if not whole or (counts < 0).any():
        got = f"{counts.dtype} {counts.shape}"
        raise PolicyFault(f"trunk_evaluations: expected counts, 1 or ({rows},), got {got}")
    return np.broadcast_to(counts, rows).tolist()


def _spent(told: object) -> Mapping[str, float]:
    """Milliseconds by the part that took them."""
    parts: dict[Any, Any] = dict(told) if isinstance(told, Mapping) else {"": told}
    for name, ms in parts.items():
        if name not in _PARTS or not isinstance(ms, float | int) or not 0 <= ms < np.inf:
            wanted = f"milliseconds by {', '.join(_PARTS)}"
            raise PolicyFault(f"spent_ms: expected {wanted}, got {name!r}: {ms!r}")
    return parts


def _row(
    actions: NDArray[np.floating], execute: int, evaluations: int, spent_ms: Mapping[str, float]
) -> Chunk | PolicyFault:
    finite = np.isfinite(actions)
    if not finite.all():
        wrong = f"{np.count_nonzero(~finite)} of {actions.size}"
        return PolicyFault(f"actions: expected finite numbers, got {wrong} that are not")
    # A copy: the policy may write into its array while the chunk is carried out.
    return Chunk(actions[:execute].astype(np.float64), evaluations, spent_ms)


def describe(error: BaseException) -> str:
    """Name the error and its first line; the same fault gives the same words in every process."""
    text = str(error).strip().splitlines()
    words = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    return re.sub(r"0x[0-9a-fA-F]+", "0x…", words)[:_MAX_TEXT]


class Stopwatch:
    """Times a policy on one question; the first of each policy in a process is a warm-up."""

    def __init__(self) -> None:
        self._warm: set[str] = set()

    def times(self, policy: Policy, question: Question, cell: Cell) -> dict[str, float]:
        """Return milliseconds of one plan for one robot and of its parts, as `Timing` has them.

        Its batch is not filled up: one robot would not do so. Nothing is returned when the policy
        is at fault.
        """
        try:
            if policy.name not in self._warm:
                self._warm.add(policy.name)
                _together(policy, [question], cell)
            start = perf_counter()
            (answer,) = _together(policy, [question], cell)
        except (Pi0benchError, MemoryError):
            raise
        except (Exception, SystemExit):
            return {}
        took_ms = 1000 * (perf_counter() - start)
        if isinstance(answer, PolicyFault):
            return {}
        return {"replan_ms": took_ms, **{f"{k}_ms": ms for k, ms in answer.spent_ms.items()}}
