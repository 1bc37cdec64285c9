"""Jobs in processes of this machine: one that dies or hangs loses only what it was doing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import connection
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from pi0bench.errors import IncompleteError
from pi0bench.evaluate.slot import Loss, Slot

if TYPE_CHECKING:
    from pi0bench.evaluate.executors import Job

ATTEMPTS = 3
"""How often a job is begun, or a process started, before it is given up."""

DEADLINE_S = 600.0
"""After so long a job is taken for hung. The slowest, 25 episodes of 100 steps, take a tenth."""

JOBS_A_PROCESS = 200
"""Then a process is replaced, so that memory which a library leaks is given back."""

R = TypeVar("R")


class Local:
    """Runs jobs in fresh processes, each with one thread.

    A job whose process dies or does not answer is begun again, in its smallest parts, so that only
    the guilty one is lost at last.

    Args:
        workers: processes.
        deadline_s: after which a job is taken for hung.
    """

    def __init__(self, workers: int, deadline_s: float = DEADLINE_S) -> None:
        self._workers, self._deadline_s = workers, deadline_s
        self._idle: list[Slot] = []
        self._running: dict[Slot, tuple[Job[Any], int]] = {}
        self._waiting: deque[tuple[Job[Any], int]] = deque()
        self._draining = False

    def run(self, jobs: Sequence[Job[R]]) -> Iterator[R]:
        """Yield what each job gives, as soon as it is done.

        Raises:
            IncompleteError: no process can be started.
        """
        self._waiting = deque((job, 1) for job in jobs if not self._draining)
        stillborn = 0
        while self._begin_what_waits():
            for slot, found in self._heard():
                if found is None:
                    stillborn = 0
                    continue
                job, attempt = self._running.pop(slot)
                if not isinstance(found, Loss):
                    self._rest(slot)
                    yield found[0]
                    continue
                slot.end()
                if not slot.born:
                    stillborn += 1
                    if stillborn == ATTEMPTS:
                        raise IncompleteError(f"no worker can be started: {found.why}")
                    self._waiting.appendleft((job, attempt))
                elif attempt < ATTEMPTS:
                    self._waiting.extendleft((part, attempt + 1) for part in job.parts())
                else:
                    yield job.lost(replace(found, why=f"{found.why}, {ATTEMPTS} times"))

    def drain(self) -> None:
        """Start no further job; those that run are finished and yielded."""
        self._draining = True
        self._waiting.clear()

    def close(self) -> None:
        """End the processes at once, in the middle of their jobs if need be."""
        for slot in [*self._idle, *self._running]:
            slot.end()
        self._idle, self._running = [], {}

    def _begin_what_waits(self) -> bool:
        """Give every free process a job; False when there is nothing left to wait for."""
        while self._waiting and len(self._running) < self._workers:
            slot = self._idle.pop() if self._idle else Slot()
            job, attempt = self._waiting.popleft()
            self._running[slot] = job, attempt
            slot.begin(job)
        return bool(self._running)

    def _heard(self) -> Iterator[tuple[Slot, tuple[Any] | Loss | None]]:
        """Wait for the next answers, deaths and deadlines (see `Slot.receive`)."""
        next_s = min(slot.since for slot in self._running) + self._deadline_s
        pipes = [slot.pipe for slot in self._running]
        ready = connection.wait(pipes, max(0.0, next_s - monotonic()))
        for slot in list(self._running):
            if slot.pipe in ready:
                yield slot, slot.receive()
            elif monotonic() - slot.since >= self._deadline_s:
                yield slot, slot.hung(self._deadline_s)

    def _rest(self, slot: Slot) -> None:
        """Keep a process for the next job, unless it has done enough."""
        if slot.done < JOBS_A_PROCESS:
            self._idle.append(slot)
        else:
            slot.end()
