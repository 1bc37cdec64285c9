"""Jobs in processes of this machine: one that dies or hangs loses only what it was doing."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from pi0bench.errors import IncompleteError

# Not at run time: a worker imports this file before its threads are counted.
if TYPE_CHECKING:
    from pi0bench.evaluate.executors import Job
    from pi0bench.evaluate.worker import Worker

ATTEMPTS = 3
"""How often a job is begun before it is given up."""

DEADLINE_S = 600.0
"""After so long a job is taken for hung. The slowest, 25 episodes of 100 steps, take a tenth."""

JOBS_A_PROCESS = 200
"""Then a process is replaced, so that memory which a library leaks is given back."""

_ONE_THREAD: Mapping[str, str] = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_ORPHANED = 71

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
        self._pool: ProcessPool | None = None
        self._waiting: deque[tuple[Job[Any], int]] = deque()

    def run(self, jobs: Sequence[Job[R]]) -> Iterator[R]:
        """Yield what each job gives, as soon as it is done.

        Raises:
            IncompleteError: no process can be started.
        """
        finished: SimpleQueue[Future[R]] = SimpleQueue()
        running: dict[Future[Any], tuple[Job[R], int]] = {}
        self._waiting = deque((job, 1) for job in jobs)
        # While they run, since processes are replaced while they run.
        with _environment(_ONE_THREAD):
            while running or self._waiting:
                while self._waiting and len(running) <= self._workers:
                    job, attempt = self._waiting.popleft()
                    future = self._started().schedule(_do, (job,), timeout=self._deadline_s)
                    running[future] = job, attempt
                    future.add_done_callback(finished.put)
                future = finished.get()
                job, attempt = running.pop(future)
                try:
                    yield future.result()
                    continue
                except BrokenProcessPool as error:
                    raise IncompleteError(f"no worker can be started: {error}") from None
                except TimeoutError:
                    why = f"no answer within {self._deadline_s:.0f} s"
                except ProcessExpired as error:
                    why = _death(error.exitcode)
                if attempt < ATTEMPTS:
                    self._waiting.extendleft((part, attempt + 1) for part in job.parts())
                else:
                    yield job.lost(f"{why}, {attempt} times")

    def drain(self) -> None:
        """Start no further job; those that run, and one more, are finished and yielded."""
        self._waiting.clear()

    def close(self) -> None:
        """End the processes at once, in the middle of their jobs if need be."""
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()
        self._pool = None

    def _started(self) -> ProcessPool:
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            with _no_interrupt():
                self._pool = ProcessPool(self._workers, JOBS_A_PROCESS, _begin, context=spawn)
                self._pool.schedule(os.getpid)  # starts the threads that start processes
        return self._pool


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Hold Ctrl-C back while processes start: they inherit the mask, so it is ours alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while: only the processes started meanwhile keep them."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_worker: Worker | None = None


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(_ORPHANED)


def _do(job: Job[R]) -> R:
    global _worker
    if _worker is None:
        from pi0bench.evaluate.worker import Worker

        _worker = Worker()
    return job.run(_worker)


def _death(code: int) -> str:
    """Say how a process ended."""
    if code < 0:
        hint = " (is there enough memory?)" if -code == signal.SIGKILL else ""
        return f"its process was ended by {signal.Signals(-code).name}{hint}"
    return f"its process ended with {code}"
