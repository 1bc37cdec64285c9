"""One worker process with a pipe of its own, which nobody else's death can block."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from ctypes import c_double
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import RawValue
from time import monotonic
from types import ModuleType
from typing import Any

from pi0bench.errors import Pi0benchError
from pi0bench.evaluate.jobs import Job, Loss
from pi0bench.machine.instruction_set import pinned
from pi0bench.machine.process_pool import end_with_parent

_START_S, _END_S = 60.0, 5.0


class Slot:
    """A fresh process, pinned to one thread and instruction set, which does one job at a time.

    What it says comes as a kind and a value: "started"; "answer", one of its job's; "done", the
    job; "raised", what the user can mend; "lost", a `Loss`, of the job or of the process. It never
    waits for its answers to be kept: what the pipe holds when the process that keeps them dies is
    lost with it.

    Attributes:
        pipe: ready when there is something to receive, or an end.
        born: True once it has said anything.
        done: jobs that it has done.
        since: when it last said something or was given a job, by `time.monotonic`; for the first
            job, later.
    """

    def __init__(self) -> None:
        self.born, self.done, self.since = False, 0, 0.0
        spawn = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        self._planning = RawValue(c_double, 0.0)
        self._process = spawn.Process(target=_serve, args=(theirs, self._planning), daemon=True)
        with _no_interrupt(), pinned(), _no_script():
            self._process.start()
        theirs.close()  # so that the pipe ends when the process does

    def begin(self, job: Job[Any]) -> None:
        """Give it a job."""
        self.since = monotonic() if self.born else monotonic() + _START_S
        with contextlib.suppress(BrokenPipeError):  # its end is met by `receive`
            self.pipe.send(job)

    def receive(self) -> tuple[str, Any]:
        """What it says next.

        Raises:
            Pi0benchError: what the job raised.
        """
        try:
            kind, value = self.pipe.recv()
        except (EOFError, OSError):
            return "lost", self._death()
        self.born, self.since = True, monotonic()
        self.done += kind == "done"
        if kind == "raised":
            raise value
        return kind, value

    def hung(self, answer_s: float, plan_s: float) -> Loss | None:
        """How its job is lost when an answer, or a policy's plan, takes longer than it may."""
        began, now = self._planning.value, monotonic()
        if began and now - began >= plan_s:
            return Loss(f"no plan within {plan_s:g} s", "policy_fault")
        if now - self.since >= answer_s:
            return Loss(f"no answer within {answer_s:g} s", "infra_error")
        return None

    def end(self) -> None:
        """End the process at once, in the middle of its job if need be."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()

    def _death(self) -> Loss:
        self._process.join(_END_S)
        status = "policy_fault" if self._planning.value else "env_fault"
        code = self._process.exitcode
        if code is None or code >= 0:
            return Loss(f"its process ended with {code}", status)
        why = f"its process was ended by {signal.Signals(-code).name}"
        if -code == signal.SIGKILL:
            why += " (is there enough memory?)"
        return Loss(why, "infra_error" if -code in (signal.SIGKILL, signal.SIGTERM) else status)


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Hold Ctrl-C back while a process starts: it inherits the mask, so it is ours alone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextlib.contextmanager
def _no_script() -> Iterator[None]:
    """Let a process begin without the script of this one, which may have no guard.

    A module that Python was told to run (`python -m`) is imported as always.
    """
    main = sys.modules["__main__"]
    if getattr(main, "__spec__", None) is None:
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(pipe: Connection, planning: Any) -> None:
    """Say that it has started; then do jobs until the pipe ends (see `Slot`)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()  # a crash in native code says on stderr where Python was
    end_with_parent()
    from pi0bench.evaluate.fault_attribution import describe
    from pi0bench.evaluate.worker import Worker

    worker = Worker(planning=planning)
    with contextlib.suppress(EOFError, BrokenPipeError):
        pipe.send(("started", None))
        while True:
            job: Job[Any] = pipe.recv()
            try:
                for answer in job.run(worker):
                    pipe.send(("answer", answer))
                pipe.send(("done", None))
            except Pi0benchError as error:
                pipe.send(("raised", error))
            except (Exception, SystemExit) as error:
                # Another process begins it again: what is lacking here may not come back.
                pipe.send(("lost", Loss(describe(error), "infra_error")))
    os._exit(0)  # without the ends of renderers, which can crash
