"""Asking a policy for actions, and letting none through that are not sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pi0bench.errors import Pi0benchError
from pi0bench.evaluate.fault_attribution import describe, of_machine
from pi0bench.policies.policy import Observation, Plan, Policy
from pi0bench.records.record import Cell

_FLOATS = (np.float32, np.float64)
_PARTS = ("eyes", "prefix", "sampler", "server")


class PolicyFault(Exception):
    """The policy did not give a sound plan; the message says what was expected and what came."""


@dataclass(frozen=True, eq=False)
class Question:
    """One row of a plan: what is seen, and how to start the noise that belongs to it."""

    observation: Observation
    noise: Callable[[], np.random.Generator]


@dataclass(frozen=True, eq=False)
class Chunk:
    """One row's sound answer, and what it took.

    Attributes:
        actions: to be executed, (execute, A), none below the least or above the greatest.
        clipped: how many numbers of each action were, (execute,); None when none was.
        trunk_evaluations: passes through the action expert.
        spent_ms: milliseconds by the part that took them.
        memory: for the episode's next question.
    """

    actions: NDArray[np.float64]
    clipped: NDArray[np.int64] | None
    trunk_evaluations: int
    spent_ms: Mapping[str, float]
    memory: Any = None


class Moment(Protocol):
    """A time that other processes can see, such as a `multiprocessing.sharedctypes.RawValue`."""

    value: float


@contextmanager
def since(moment: Moment) -> Iterator[None]:
    """Show for a while since when, by `time.monotonic`; what ends the process leaves it so."""
    moment.value = monotonic()
    try:
        yield
    finally:
        moment.value = 0.0


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
    except PolicyFault as fault:
        if len(questions) == 1:
            return [fault]
    return [answer for question in questions for answer in _ask(policy, [question], cell)]


def _together(
    policy: Policy, questions: Sequence[Question], cell: Cell
) -> list[Chunk | PolicyFault]:
    seen, execute = [question.observation for question in questions], policy.traits.execute
    plan = planned(policy, seen, Streams(questions), cell.steps, cell.solver)
    actions, rows = plan.actions, len(seen)
    with _policys_fault():
        counts, spent_ms = _counts(plan.trunk_evaluations, rows), _spent(plan.spent_ms)
    # A copy: the policy may write into its array while the chunk is carried out.
    asked = actions[:, :execute].astype(np.float64)
    legal = np.minimum(np.maximum(asked, seen[0].low), seen[0].high)
    outside = legal != asked
    clipped = list(outside.sum(axis=2)) if outside.any() else [None] * rows
    rows_of = zip(
        legal, clipped, counts, [spent_ms] * rows, _memory(plan.memory, rows), strict=True
    )
    chunks = [Chunk(*row) for row in rows_of]
    if np.isfinite(actions).all():
        return list(chunks)
    return [infinite(row) or chunk for row, chunk in zip(actions, chunks, strict=True)]


def planned(
    policy: Policy,
    seen: Sequence[Observation],
    noise: Sequence[np.random.Generator],
    steps: int,
    solver: str,
) -> Plan:
    """Return the policy's plan, whose actions have the right form and may yet be infinite.

    Raises:
        PolicyFault: they do not, or the policy raised something else than the next two.
        Pi0benchError: something that the user can mend.
        BaseException: what the machine is to blame for (see `pi0bench.evaluate.fault_attribution`).
    """
    rows, execute, numbers = len(seen), policy.traits.execute, len(seen[0].low)
    with _policys_fault():
        plan = policy.plan(seen, noise, steps, solver)
        if not isinstance(plan, Plan):
            raise PolicyFault(f"plan: expected a Plan, got {type(plan).__name__}")
        actions, wanted = plan.actions, f"floats ({rows}, {execute} or more, {numbers})"
        if not isinstance(actions, np.ndarray):
            got = type(actions).__name__
            raise PolicyFault(f"actions: expected {wanted} in an array, got {got}")
        shape = actions.shape
        fits = len(shape) == 3 and shape[0] == rows and shape[2] == numbers
        if not (fits and shape[1] >= execute and actions.dtype in _FLOATS):
            raise PolicyFault(f"actions: expected {wanted}, got {actions.dtype} {shape}")
    return plan


@contextmanager
def _policys_fault() -> Iterator[None]:
    """Blame the policy for what goes wrong meanwhile, but for what others are to blame for."""
    try:
        yield
    except (Pi0benchError, PolicyFault, KeyboardInterrupt):
        raise
    except BaseException as error:  # panics of Rust and SystemExit are no Exception
        if of_machine(error):
            raise
        raise PolicyFault(describe(error)) from error


def infinite(actions: NDArray[np.floating]) -> PolicyFault | None:
    """What is wrong with actions, of any shape, if they are not all finite."""
    wrong = np.count_nonzero(~np.isfinite(actions))
    if not wrong:
        return None
    return PolicyFault(
        f"actions: expected finite numbers, got {wrong} of {actions.size} that are not"
    )


def _counts(told: object, rows: int) -> list[int]:
    """A number of evaluations for each row, of one for all or one for each."""
    if type(told) is int and told >= 0:
        return [told] * rows
    counts = np.asarray(told)
    whole = np.issubdtype(counts.dtype, np.integer) and counts.shape in ((), (rows,))
    if not whole or (counts < 0).any():
        got = f"{counts.dtype} {counts.shape}"
        raise PolicyFault(f"trunk_evaluations: expected counts, 1 or ({rows},), got {got}")
    return np.broadcast_to(counts, rows).tolist()


def _memory(told: Any, rows: int) -> Sequence[Any]:
    """What each row's episode remembers."""
    if told is None:
        return [None] * rows
    if not isinstance(told, list | tuple) or len(told) != rows:
        got = f"{len(told)}" if isinstance(told, list | tuple) else type(told).__name__
        raise PolicyFault(f"memory: expected a list of {rows}, got {got}")
    return told


def _spent(told: object) -> Mapping[str, float]:
    """Milliseconds by the part that took them."""
    parts: dict[Any, Any] = dict(told) if isinstance(told, Mapping) else {"": told}
    for name, ms in parts.items():
        if name not in _PARTS or not isinstance(ms, float | int) or not 0 <= ms < np.inf:
            wanted = f"milliseconds by {', '.join(_PARTS)}"
            raise PolicyFault(f"spent_ms: expected {wanted}, got {name!r}: {ms!r}")
    return parts


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
        except PolicyFault:
            return {}
        took_ms = 1000 * (perf_counter() - start)
        if isinstance(answer, PolicyFault):
            return {}
        return {"replan_ms": took_ms, **{f"{k}_ms": ms for k, ms in answer.spent_ms.items()}}
