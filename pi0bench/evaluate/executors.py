"""Where jobs run: in this process, or in several. Workers compute; only the caller writes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from typing import TYPE_CHECKING, Protocol, TypeVar

from pi0bench.errors import Pi0benchError

# Not at run time: a worker imports this file before its threads are counted.
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from pi0bench.evaluate.worker import Worker
    from pi0bench.policies.policy import Policy

_ONE_THREAD: Mapping[str, str] = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_ORPHANED = 71

J = TypeVar("J")
R = TypeVar("R")


class IncompleteError(Pi0benchError):
    """The run stopped before its end; what is finished is kept."""

    exit_code = 3


class Executor(Protocol):
    """Runs jobs in any order."""

    def run(self, work: Callable[[Worker, J], R], jobs: Sequence[J]) -> Iterator[R]:
        """Yield what `work` makes of each job, by some worker, as soon as it is done."""
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

    def run(self, work: Callable[[Worker, J], R], jobs: Sequence[J]) -> Iterator[R]:
        """Yield what `work` makes of each job."""
        from pi0bench.evaluate.worker import Worker

        self._worker = self._worker or Worker(self._loaded)
        for job in jobs:
            yield work(self._worker, job)

    def close(self) -> None:
        """Do nothing: nothing runs when no job does."""


class Local:
    """Runs jobs in fresh processes of this machine, each with one thread."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._started: set[BaseProcess] = set()
        self._busy = False

    def run(self, work: Callable[[Worker, J], R], jobs: Sequence[J]) -> Iterator[R]:
        """Yield what `work`, an importable function, makes of each job, as soon as it is done.

        Raises:
            IncompleteError: a worker died.
        """
        self._pool = self._pool or ProcessPoolExecutor(
            self._workers, multiprocessing.get_context("spawn"), _begin
        )
        before = set(multiprocessing.active_children())
        self._busy = True
        try:
            with _no_interrupt(), _environment(_ONE_THREAD):
                running = [self._pool.submit(_work, work, job) for job in jobs]
                self._started |= set(multiprocessing.active_children()) - before
            for future in as_completed(running):
                yield future.result()
            self._busy = False
        except BrokenProcessPool:
            raise IncompleteError(
                "a worker process died (is there enough memory?); finished episodes are kept: "
                "run the same command again to continue, perhaps with fewer --workers"
            ) from None

    def close(self) -> None:
        """End the workers at once, in the middle of their jobs if need be."""
        if self._pool is not None:
            for process in self._started if self._busy else ():
                process.terminate()
            # Waiting also joins the pool's own thread, which must not meet the interpreter's end.
            self._pool.shutdown(cancel_futures=True)
        self._pool, self._started = None, set()


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


def _work(work: Callable[[Worker, J], R], job: J) -> R:
    global _worker
    if _worker is None:
        from pi0bench.evaluate.worker import Worker

        _worker = Worker()
    return work(_worker, job)
