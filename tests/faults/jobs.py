"""Jobs that go wrong in all the ways that a simulator or a policy can; no simulator needed."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

from pi0bench.evaluate.worker import Worker


@dataclass(frozen=True)
class Toy:
    """Items that are answered by name; some do harm before they answer.

    Attributes:
        items: "ok", or what to do instead: "kill", "crash", "hang", "exit", "once" (dies the
            first time), "threads", "pid".
        folder: where each beginning of an item leaves a file.
    """

    items: tuple[str, ...]
    folder: Path

    def run(self, worker: Worker) -> list[str]:
        return [self._answer(number, item) for number, item in enumerate(self.items)]

    def parts(self) -> list[Toy]:
        return [replace(self, items=(item,)) for item in self.items]

    def lost(self, why: str) -> list[str]:
        return [f"{item} lost: {why}" for item in self.items]

    def _answer(self, number: int, item: str) -> str:
        begun = len(list(self.folder.glob(f"{item}-*")))
        (self.folder / f"{item}-{os.getpid()}-{time.monotonic_ns()}").touch()
        match item:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "crash":
                ctypes.string_at(0)
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
            case "slow":
                time.sleep(0.5)
            case "pid":
                return str(os.getpid())
        return item
