"""Jobs as tasks of Ray, on this machine or on a cluster; Ray is imported only here, and late.

Whoever reaches a port of Ray can run any code there: keep a cluster in a network that you trust.
"""

from __future__ import annotations

import contextlib
import faulthandler
import functools
import json
import logging
import os
import platform
from collections import deque
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from pi0bench.errors import IncompleteError, UsageError
from pi0bench.evaluate.jobs import ATTEMPTS, Job, Loss
from pi0bench.evaluate.supervised_executor import ANSWER_S, JOBS_A_PROCESS
from pi0bench.machine.instruction_set import environment
from pi0bench.records.resume_compatibility import mixed

if TYPE_CHECKING:
    from pi0bench.evaluate.worker import Worker

R = TypeVar("R")

_OBJECTS_BYTES = 256 * 2**20
"""Memory for what comes back; frames of a film are 20 MB."""


class Ray:
    """Runs jobs as stateless tasks; a process keeps the policies that it has loaded.

    A job whose process is lost is begun again in its smallest parts, and those by Ray itself, so
    that only the guilty one is lost at last. Nobody sees who ended a process on another machine, so
    what is lost is never called the policy's fault: it is to be run again.

    Args:
        workers: processes, when Ray is started here.
        address: a cluster that runs already, such as "auto" or "ray://HOST:10001", on whose
            machines the same pi0bench is installed; all its cores are used.
        answer_s: after which a job is taken for hung, and its process ended.
    """

    def __init__(self, workers: int, address: str = "", answer_s: float = ANSWER_S) -> None:
        must_be_installed()
        import ray

        where: dict[str, Any] = {"address": address}
        if not address:
            where = {"address": "local", "num_cpus": workers, "include_dashboard": False}
            where["object_store_memory"] = _OBJECTS_BYTES
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        runtime = {"env_vars": dict(environment())}
        with _private_files():
            try:
                ray.init(
                    log_to_driver=False, logging_level=logging.ERROR, runtime_env=runtime, **where
                )
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise UsageError(f"--ray-address: {address or 'this machine'}: {error}") from error
        task: Any = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1, max_calls=JOBS_A_PROCESS)
        self._ray, self._task, self._answer_s = ray, task(_answer), answer_s
        self._software = _software()
        self._draining = False
        self._waiting: deque[Job[Any]] = deque()
        self._running: dict[Any, Job[Any]] = {}

    def run(self, jobs: Sequence[Job[R]]) -> Iterator[R]:
        """Yield what each job answers, as soon as it is done.

        Raises:
            IncompleteError: Ray can run no job.
        """
        self._waiting = deque(jobs)
        while self._begin_what_waits():
            (done, *_), _ = self._ray.wait(list(self._running))
            job = self._running.pop(done)
            found = self._received(done)
            if not isinstance(found, Loss):
                yield from found[0]
            elif len(parts := job.parts()) > 1:
                self._waiting.extendleft(parts)
            else:
                yield from job.lost(found)

    def drain(self) -> None:
        """Start no further job; those that run are finished and yielded."""
        self._draining = True

    def close(self) -> None:
        """End the tasks at once, and Ray if it was started here."""
        self._ray.shutdown()

    def _begin_what_waits(self) -> bool:
        """Give every free core a job; False when there is nothing left to wait for."""
        cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))  # clusters grow
        while self._waiting and not self._draining and len(self._running) < cores:
            job = self._waiting.popleft()
            # A job of several parts is begun once: its parts are what is repeated.
            task = self._task if len(job.parts()) == 1 else self._task.options(max_retries=0)
            self._running[task.remote(job, self._answer_s, self._software)] = job
        return bool(self._running)

    def _received(self, reference: Any) -> tuple[Any] | Loss:
        """What its job answered, in a tuple, or how it was lost.

        Raises:
            Exception: what the job raised.
        """
        errors = self._ray.exceptions
        try:
            given, result = self._ray.get(reference)
        except (errors.WorkerCrashedError, errors.NodeDiedError, errors.ObjectLostError) as error:
            why = f"its process was lost ({type(error).__name__}), {ATTEMPTS} times"
            return Loss(why, "infra_error")
        except errors.OutOfMemoryError:
            return Loss(f"there was not enough memory for it, {ATTEMPTS} times", "infra_error")
        except errors.RayError as error:
            last = str(error).strip().splitlines()[-1]
            raise IncompleteError(f"Ray can run no job: {last}") from error
        if not given:
            raise result
        return (result,)


def must_be_installed() -> None:
    """Raise UsageError when Ray is not there."""
    if find_spec("ray") is None:
        raise UsageError('--executor ray: Ray is not installed; pip install "pi0bench[ray]"')


def _answer(job: Job[Any], answer_s: float, software: str) -> tuple[bool, Any]:
    """Do a job in a process of Ray: (True, its answers) or (False, what it raised)."""
    # Ends the process even where Python itself stands still; the log of Ray then says where.
    faulthandler.dump_traceback_later(answer_s, exit=True, file=2)
    try:
        return True, list(_worker(software).do(job))
    except Exception as error:
        return False, error
    finally:
        faulthandler.cancel_dump_traceback_later()


@functools.cache
def _worker(software: str) -> Worker:
    """The process's only worker.

    Raises:
        UsageError: this machine has other software than the one that asks.
    """
    from pi0bench.evaluate.worker import Worker

    if changes := mixed(json.loads(software), json.loads(_software())):
        raise UsageError(
            f"{platform.node()}: has other software ({'; '.join(changes)}); install there what is "
            "here"
        )
    return Worker()


def _software() -> str:
    """What a machine measures with, as JSON, so that tasks can be told apart by it."""
    from pi0bench.evaluate.policy_sources import origins
    from pi0bench.evaluate.provenance import software
    from pi0bench.policy.registry import names

    return json.dumps({**software(), "packages": origins(names(), {})})


@contextlib.contextmanager
def _private_files() -> Iterator[None]:
    """Let nobody else read the files that are made meanwhile, such as Ray's token."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
