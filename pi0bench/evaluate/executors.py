"""Where jobs run: in this process, or in several. Workers compute; only the caller writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from pi0bench.evaluate.supervised import Local

if TYPE_CHECKING:
    from pi0bench.evaluate.slot import Loss
    from pi0bench.evaluate.worker import Worker
    from pi0bench.policies.policy import Policy

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Job(Protocol[R_co]):
    """A piece of work that can be pickled, and repeated without harm."""

    def run(self, worker: Worker) -> R_co:
        """Do it."""
        ...

    def parts(self) -> Sequence[Job[R_co]]:
        """The smallest jobs that it consists of, itself if it is one, to be begun again."""
        ...

    def lost(self, loss: Loss) -> R_co:
        """What to report when it cannot be done."""
        ...


class Executor(Protocol):
    """Runs jobs in any order."""

    def run(self, jobs: Sequence[Job[R]]) -> Iterator[R]:
        """Yield what each job gives, as soon as it is done."""
        ...

    def drain(self) -> None:
        """Start no further job; those that run are finished and yielded."""
        ...

    def close(self) -> None:
        """Stop whatever still runs."""
        ...


def make(workers: int, policies: Mapping[str, Policy]) -> Executor:
    """Return an executor of that many workers; a single one is this process itself."""
    return Inline(policies) if workers == 1 else Local(workers)


class Inline:
    """Runs jobs here, in order."""

    def __init__(self, policies: Mapping[str, Policy] | None = None) -> None:
        self._loaded = policies
        self._worker: Worker | None = None
        self._draining = False

    def run(self, jobs: Sequence[Job[R]]) -> Iterator[R]:
        """Yield what each job gives."""
        from pi0bench.evaluate.worker import Worker

        self._worker = self._worker or Worker(self._loaded)
        for job in jobs:
            if self._draining:
                return
            yield job.run(self._worker)

    def drain(self) -> None:
        """Start no further job."""
        self._draining = True

    def close(self) -> None:
        """Do nothing: nothing runs when no job does."""
