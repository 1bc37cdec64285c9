"""Jobs that go wrong in all the ways that a simulator or a policy can; no simulator needed."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pi0bench.errors import UsageError
from pi0bench.evaluate.jobs import Loss
from pi0bench.evaluate.plan_timing import Watched, since
from pi0bench.evaluate.worker import Worker
from pi0bench.policy.policy_protocol import Plan, Traits


class Harmful:
    """A policy whose plan does not end well."""

    name, traits = "harmful", Traits()

    def __init__(self, harm: Callable[[], object]) -> None:
        self._harm = harm

    def plan(self, *_: object, **__: object) -> Plan:
        self._harm()
        raise AssertionError


def crash() -> None:
    ctypes.string_at(0)


def hang() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass


@dataclass(frozen=True)
class Toy:
    """Items that are answered by name; some do harm before they answer.

    Attributes:
        items: "ok", or what to do instead: "kill", "crash", "hang", "exit", "once"
            (dies the first time), "plan" and "ponder" (crashes and hangs while a policy plans),
            "refuse", "slow", "threads", "pid".
        folder: where each beginning of an item leaves a file.
    """

    items: tuple[str, ...]
    folder: Path
    attempt: int = 1
    policy: str = "toy"

    def run(self, worker: Worker) -> Iterator[str]:
        for item in self.items:
            yield self._answer(item, worker)

    def parts(self, answers: Sequence[str] = ()) -> list[Toy]:
        left = self.items[len(answers) :]
        return [replace(self, items=(item,), attempt=self.attempt + 1) for item in left]

    def lost(self, loss: Loss) -> list[str]:
        return [f"{item} {loss.status}: {loss.why}" for item in self.items]

    def _answer(self, item: str, worker: Worker) -> str:
        begun = len(list(self.folder.glob(f"{item}-*")))
        (self.folder / f"{item}-{os.getpid()}-{time.monotonic_ns()}").touch()
        match item:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "crash":
                crash()
            case "plan" | "ponder":
                moment = worker.planning
                assert moment is not None
                policy = Harmful(crash if item == "plan" else hang)
                Watched(policy, lambda _: since(moment)).plan([], [], 0, "")
            case "hang":
                hang()
            case "exit":
                os._exit(7)
            case "once" if not begun:
                os.kill(os.getpid(), signal.SIGKILL)
            case "threads":
                return os.environ["OMP_NUM_THREADS"]
            case "refuse":
                raise UsageError("reach_cube: its file changed")
            case "slow":
                time.sleep(0.5)
            case "pid":
                return str(os.getpid())
        return item
