"""How large an error a task forgives.

A task's tolerance is the constant error in where its expert believes the thing to be that it
brings another to (or handles, in a task that brings none) at which the expert succeeds half as
often as without the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pi0bench.evaluate.development_episodes import begun
from pi0bench.task.expert.misjudged_world import Misjudgement
from pi0bench.task.task_spec import TaskSpec

MOST_MM, MOST_DEG = 64.0, 45.0
"""The greatest errors that are tried."""
_FIRST_MM, _FIRST_DEG = 2.0, 5.0
_UNDECIDED = 0.1  # the search ends when this share of the error is left
_SPREAD = (5**0.5 - 1) / 2  # its multiples, modulo 1, are spread evenly, however many there are


@dataclass(frozen=True)
class Tolerance:
    """What a task forgives; None where it forgives the greatest error that is tried.

    Attributes:
        distance_mm: along the table, in another direction for each start.
        heading_deg: about the vertical, in the other sense for every second start.
    """

    distance_mm: float | None
    heading_deg: float | None

    @property
    def distance(self) -> str:
        """In words."""
        return _shown(self.distance_mm, MOST_MM, "mm")

    @property
    def heading(self) -> str:
        """In words."""
        return _shown(self.heading_deg, MOST_DEG, "degrees")

    def __str__(self) -> str:
        return f"{self.distance}, {self.heading}"


def _shown(value: float | None, most: float, unit: str) -> str:
    return f"more than {most:g} {unit}" if value is None else f"{value:.2g} {unit}"


def tolerance(task: TaskSpec, engine: str, episodes: int = 8) -> Tolerance:
    """Measure a task's tolerance in one engine, on the first development start states."""
    half = sum(_succeeds(task, engine, k, Misjudgement()) for k in range(episodes)) / 2

    def fails(misjudge: Callable[[int, float], Misjudgement]) -> Callable[[float], bool]:
        def with_error(error: float) -> bool:
            tries = (_succeeds(task, engine, k, misjudge(k, error)) for k in range(episodes))
            return not _more_than(half, tries, episodes)

        return with_error

    return Tolerance(
        _bisected(fails(_aside), _FIRST_MM, MOST_MM),
        _bisected(fails(_turned), _FIRST_DEG, MOST_DEG),
    )


def _aside(episode: int, distance_mm: float) -> Misjudgement:
    angle = 2 * np.pi * (episode * _SPREAD % 1)
    x, y = distance_mm / 1000 * np.array([np.cos(angle), np.sin(angle)])
    return Misjudgement(float(x), float(y))


def _turned(episode: int, heading_deg: float) -> Misjudgement:
    return Misjudgement(yaw_rad=float(np.radians(heading_deg if episode % 2 else -heading_deg)))


def _succeeds(task: TaskSpec, engine: str, episode: int, misjudgement: Misjudgement) -> bool:
    with begun(task, engine, episode) as env:
        while not env.over:
            env.step(env.expert_action(misjudgement))
        return env.succeeded


def _more_than(count: float, tries: Iterator[bool], total: int) -> bool:
    """True when more than `count` of the tries succeed; none is made once that is decided."""
    won = 0
    for done, success in enumerate(tries, 1):
        won += success
        if won > count or won + total - done <= count:
            break
    return won > count


def _bisected(fails: Callable[[float], bool], first: float, most: float) -> float | None:
    """The error from which on it fails: found by doubling, then halving; None beyond `most`."""
    good, bad = 0.0, first
    while not fails(bad):
        if bad >= most:
            return None
        good, bad = bad, min(2 * bad, most)
    while bad - good > _UNDECIDED * bad:
        middle = (good + bad) / 2
        good, bad = (good, middle) if fails(middle) else (middle, bad)
    return (good + bad) / 2
