"""What workers are given to do, and how it can be lost. Light: a new process imports it first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

ATTEMPTS = 3
"""How often a job is begun, or a process started, before it is given up."""

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True)
class Loss:
    """How a job was lost.

    Attributes:
        why: in words.
        status: whose fault it is (see `pi0bench.records.record`).
    """

    why: str
    status: str


class Job(Protocol[R_co]):
    """A piece of work that can be pickled, and repeated without harm."""

    @property
    def attempt(self) -> int:
        """How often it has been begun, this time included."""
        ...

    @property
    def policy(self) -> str:
        """The policy that it asks."""
        ...

    def run(self, worker: Any) -> Iterator[R_co]:
        """Do it with a `pi0bench.evaluate.worker.Worker`, and yield each answer as it comes."""
        ...

    def parts(self, answers: Sequence[Any] = ()) -> Sequence[Job[R_co]]:
        """What is left after these answers: what was begun, in the smallest jobs, and the rest."""
        ...

    def lost(self, loss: Loss) -> Sequence[R_co]:
        """What to report when it cannot be done."""
        ...
