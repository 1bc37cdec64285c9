"""Where jobs run: here, in several processes or on a cluster. Only the caller writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from pi0bench.errors import UsageError, unknown
from pi0bench.evaluate.supervised_executor import Local
from pi0bench.machine.instruction_set import pin

if TYPE_CHECKING:
    from pi0bench.evaluate.jobs import Job
    from pi0bench.evaluate.worker import Worker
    from pi0bench.policy.policy_protocol import Policy

R = TypeVar("R")


class Executor(Protocol):
    """Runs jobs in any order."""

    def run(self, jobs: Sequence[Job[R]]) -> Iterator[R]:
        """Yield the jobs' answers as they come."""
        ...

    def drain(self) -> None:
        """Start no further job; those that run are finished and yielded."""
        ...

    def close(self) -> None:
        """Stop whatever still runs."""
        ...


KINDS = ("inline", "local", "ray")


def check(kind: str, ray_address: str) -> None:
    """See that there is such an executor.

    Raises:
        UsageError: there is none, or Ray is not installed.
    """
    if kind not in KINDS:
        raise UsageError(unknown("executor", kind, KINDS))
    if kind == "ray":
        from pi0bench.evaluate.ray_executor import must_be_installed

        must_be_installed()
    elif ray_address:
        raise UsageError("--ray-address: goes with --executor ray")


def make(
    workers: int,
    policies: Mapping[str, Policy],
    kind: str,
    ray_address: str = "",
    objects: Mapping[str, Policy] | None = None,
) -> Executor:
    """Return an executor of that many workers.

    Inline it is this process, with these policies, or a fresh one where it is too late to pin this.
    Jobs of objects, which no other process has, run here as it is.
    """
    made: Executor = Local(workers)
    if kind == "ray":
        from pi0bench.evaluate.ray_executor import Ray

        made = Ray(workers, ray_address)
    elif kind == "inline":
        made = Inline(policies) if pin() else Local(1)
    return Divided(made, objects) if objects else made


class Inline:
    """Runs jobs here, in order."""

    def __init__(self, policies: Mapping[str, Policy] | None = None, pinned: bool = True) -> None:
        self._loaded, self._pinned = policies, pinned
        self._worker: Worker | None = None
        self._draining = False

    def run(self, jobs: Sequence[Job[R]]) -> Iterator[R]:
        """Yield the jobs' answers."""
        from pi0bench.evaluate.worker import Worker

        self._worker = self._worker or Worker(self._loaded, pinned=self._pinned)
        for job in jobs:
            if self._draining:
                return
            yield from self._worker.do(job)

    def drain(self) -> None:
        """Start no further job."""
        self._draining = True

    def close(self) -> None:
        """Close what is kept; nothing runs when no job does."""
        if self._worker is not None:
            self._worker.close()


class Divided:
    """Runs the jobs of some policies in this process, which alone has them, and all others first.

    Args:
        others: runs all other jobs; it is closed with this one.
        objects: the policies of this process, by name.
    """

    def __init__(self, others: Executor, objects: Mapping[str, Policy]) -> None:
        self._others, self._names = others, frozenset(objects)
        self._here = Inline(objects, pinned=False)

    def run(self, jobs: Sequence[Job[R]]) -> Iterator[R]:
        """Yield the jobs' answers."""
        here = [job for job in jobs if job.policy in self._names]
        yield from self._others.run([job for job in jobs if job.policy not in self._names])
        yield from self._here.run(here)

    def drain(self) -> None:
        """Start no further job."""
        self._others.drain()
        self._here.drain()

    def close(self) -> None:
        """Close both."""
        self._others.close()
        self._here.close()
