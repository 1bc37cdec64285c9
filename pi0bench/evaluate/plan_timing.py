"""Plans timed, and watched by other processes while they are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from time import monotonic, perf_counter
from typing import Protocol

import numpy as np

from pi0bench.evaluate.ask_policy import Question, ask_together
from pi0bench.evaluate.plan_checks import PolicyFault
from pi0bench.policy.policy_protocol import Observation, Plan, Policy
from pi0bench.records.record import Cell


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
                ask_together(policy, [question], cell)
            start = perf_counter()
            (answer,) = ask_together(policy, [question], cell)
        except PolicyFault:
            return {}
        took_ms = 1000 * (perf_counter() - start)
        if isinstance(answer, PolicyFault):
            return {}
        return {"replan_ms": took_ms, **{f"{k}_ms": ms for k, ms in answer.spent_ms.items()}}
