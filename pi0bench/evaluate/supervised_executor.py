"""Jobs in processes of this machine: one that dies or hangs loses only what it was doing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import connection
from typing import Any, TypeVar

from pi0bench.errors import IncompleteError
from pi0bench.evaluate.jobs import ATTEMPTS, Job, Loss
from pi0bench.evaluate.worker_process import Slot

ANSWER_S = 600.0
"""After so long without an answer a job is taken for hung."""

PLAN_S = 300.0
"""A plan that takes longer, of a batch, is its policy's fault."""

_LOOK_S = 1.0

JOBS_A_PROCESS = 200
"""Then a process is replaced, so that memory which a library leaks is given back."""

R = TypeVar("R")


@dataclass(frozen=True)
class _Begun:
    """A job that runs, and what it has answered so far."""

    job: Job[Any]
    answers: list[Any] = field(default_factory=list)


class Local:
    """Runs jobs in fresh processes, each with one thread.

    What a job was doing when its process died, or did not answer, is begun again in its smallest
    parts, so that only the guilty one is lost at last.

    Args:
        workers: processes.
        answer_s: after which a job is taken for hung.
        plan_s: after which a policy is.
    """

    def __init__(self, workers: int, answer_s: float = ANSWER_S, plan_s: float = PLAN_S) -> None:
        self._workers, self._allowed_s = workers, (answer_s, plan_s)
        self._idle: list[Slot] = []
        self._running: dict[Slot, _Begun] = {}
        self._waiting: deque[Job[Any]] = deque()
        self._draining = False

    def run(self, jobs: Sequence[Job[R]]) -> Iterator[R]:
        """Yield the jobs' answers as they come.

        Raises:
            IncompleteError: no process can be started.
        """
        self._waiting = deque(jobs)
        stillborn = 0
        while self._begin_what_waits():
            for slot, (kind, value) in self._heard():
                begun = self._running[slot]
                if kind == "started":
                    stillborn = 0
                elif kind == "answer":
                    begun.answers.append(value)
                    yield value
                elif kind == "done":
                    self._rest(slot)
                elif slot.born:
                    yield from self._lost(slot, value)
                else:
                    stillborn += 1
                    if stillborn == ATTEMPTS:
                        raise IncompleteError(f"no worker can be started: {value.why}")
                    self._end(slot)
                    self._waiting.appendleft(begun.job)

    def drain(self) -> None:
        """Start no further job; those that run are finished and yielded."""
        self._draining = True

    def close(self) -> None:
        """End the processes at once, in the middle of their jobs if need be."""
        for slot in [*self._idle, *self._running]:
            slot.end()
        self._idle, self._running = [], {}

    def _begin_what_waits(self) -> bool:
        """Give every free process a job; False when there is nothing left to wait for."""
        # A signal may ask to drain between any two of these lines.
        while self._waiting and not self._draining and len(self._running) < self._workers:
            slot = self._idle.pop() if self._idle else Slot()
            job = self._waiting.popleft()
            self._running[slot] = _Begun(job)
            slot.begin(job)
        return bool(self._running)

    def _heard(self) -> Iterator[tuple[Slot, tuple[str, Any]]]:
        """Wait for the next words, deaths and deadlines (see `Slot`)."""
        ready = connection.wait([slot.pipe for slot in self._running], _LOOK_S)
        for slot in list(self._running):
            if slot.pipe in ready:
                yield slot, slot.receive()
            elif loss := slot.hung(*self._allowed_s):
                yield slot, ("lost", loss)

    def _lost(self, slot: Slot, loss: Loss) -> Sequence[Any]:
        """End a process and begin again what is left of its job; what to report if that was all."""
        begun = self._end(slot)
        if begun.job.attempt < ATTEMPTS:
            self._waiting.extendleft(begun.job.parts(begun.answers))
            return ()
        return begun.job.lost(replace(loss, why=f"{loss.why}, {ATTEMPTS} times"))

    def _rest(self, slot: Slot) -> None:
        """Keep a process for the next job, unless it has done enough."""
        if slot.done < JOBS_A_PROCESS:
            del self._running[slot]
            self._idle.append(slot)
        else:
            self._end(slot)

    def _end(self, slot: Slot) -> _Begun:
        slot.end()
        return self._running.pop(slot)
