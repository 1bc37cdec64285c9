"""Jobs that go wrong in all the ways that a simulator or a policy can; no simulator needed."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

from pi0bench.errors import UsageError
from pi0bench.evaluate.planning import Marked
from pi0bench.evaluate.slot import Loss
from pi0bench.evaluate.worker import Worker
from pi0bench.policies.policy import Plan, Traits


class Crashing:
    name, traits = "crashing", Traits(weights="none")

    def plan(self, *_: object, **__: object) -> Plan:
        ctypes.string_at(0)
        raise AssertionError


@dataclass(frozen=True)
class Toy:
    """Items that are answered by name; some do harm before they answer.

    Attributes:
        items: "ok", or what to do instead: "kill", "crash", "hang", "exit", "once" (dies the
            first time), "plan" (dies while a policy plans), "refuse", "slow", "threads", "pid".
        folder: where each beginning of an item leaves a file.
    """

    items: tuple[str, ...]
    folder: Path

    def run(self, worker: Worker) -> list[str]:
        return [self._answer(item, worker) for item in self.items]

    def parts(self) -> list[Toy]:
        return [replace(self, items=(item,)) for item in self.items]

    def lost(self, loss: Loss) -> list[str]:
        return [f"{item} {loss.status}: {loss.why}" for item in self.items]

    def _answer(self, item: str, worker: Worker) -> str:
        begun = len(list(self.folder.glob(f"{item}-*")))
        (self.folder / f"{item}-{os.getpid()}-{time.monotonic_ns()}").touch()
        match item:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "crash":
                ctypes.string_at(0)
            case "plan":
                assert worker.planning is not None
                Marked(Crashing(), worker.planning).plan([], [], 0, "")
            case "hang":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                while True:
                    pass
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
