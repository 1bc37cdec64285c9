"""Episodes of policies that go wrong, for workers that must make the policy themselves."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.episode_jobs import Measure
from pi0bench.evaluate.rollout import Outcome
from pi0bench.evaluate.worker import Worker
from pi0bench.policy import registry
from pi0bench.policy.policy_protocol import Plan, Traits
from pi0bench.random_streams import stream
from pi0bench.task.task_files import task


class Toy:
    """A policy whose plan does not end well."""

    name, traits = "toy", Traits()

    def __init__(self, harm: Callable[[], object]) -> None:
        self._harm = harm

    def plan(self, *_: object, **__: object) -> Plan:
        self._harm()
        raise AssertionError


def hoard() -> None:
    """Ask for more memory than this process may have."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + 2**28, hard))
    try:
        bytearray(2**30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


HARMS: Mapping[str, Callable[[], object]] = {
    "crash": lambda: ctypes.string_at(0),
    "leave": lambda: os._exit(0),
    "hoard": hoard,
}


@dataclass(frozen=True)
class Playing(Measure):
    """Episodes of the policy that does this harm."""

    harm: str = ""

    def run(self, worker: Worker) -> Iterator[Outcome]:
        toy = Toy(HARMS[self.harm])
        registry.BASELINES["toy"] = lambda: toy
        return super().run(worker)


class Mortal:
    """Does nothing, three plans an episode, and once kills its process in the middle of one."""

    name, traits = "mortal", Traits(execute=40)

    def __init__(self, victim: int, mark: Path) -> None:
        self._moment, self._mark = stream("noise", 0, "reach_cube", victim, 1).random(), mark

    def plan(
        self, observations: object, noise: Sequence[Generator], steps: int, solver: str
    ) -> Plan:
        if noise[0].random() == self._moment and not self._mark.exists():
            self._mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Plan(np.zeros((len(noise), 40, 7)))


@dataclass(frozen=True)
class Dying(Measure):
    """Episodes of `reach_cube`; once, its process dies in the middle of the episode `victim`.

    Attributes:
        mark: the file that tells that it has.
    """

    victim: int = 0
    mark: Path = Path()

    def run(self, worker: Worker) -> Iterator[Outcome]:
        registry.BASELINES["mortal"] = lambda: Mortal(self.victim, self.mark)
        return super().run(worker)


def playing(harm: str) -> Playing:
    """One episode of it, a task for each harm so that they can be told apart."""
    of = dict(zip(HARMS, ("reach_cube", "cube_in_bowl", "stack_two_cubes"), strict=True))[harm]
    settings = Settings(("toy",), (of,), renderer="tiny", episodes=1)
    return Playing(expand(settings, {"toy": Toy.traits}, [task(of)]), harm=harm)
