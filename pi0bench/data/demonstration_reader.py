"""Recorded demonstrations, for drawing moments of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.data.array_files import read
from pi0bench.data.worlds.choose import make
from pi0bench.data.worlds.world import Row, Scenery


class Recorded:
    """A file of demonstrations (see `pi0bench.data.record_demonstrations`), and their world."""

    def __init__(self, path: Path) -> None:
        self.arrays, self.about = read(path)
        self.episodes: list[dict[str, Any]] = self.about["episodes"]
        self.world = make(self.about["engine"])
        self.control_hz: int = self.about["control_hz"]
        self._ends = np.cumsum([row["steps"] for row in self.episodes])

    @property
    def sentences(self) -> list[str]:
        """All that was asked, each once, sorted."""
        return sorted({row["says"] for row in self.episodes})

    def episode(self, number: int) -> dict[str, NDArray[Any]]:
        """The arrays of one demonstration."""
        steps = slice(self._ends[number] - self.episodes[number]["steps"], self._ends[number])
        return {key: array[steps] for key, array in self.arrays.items()}

    def row(self, number: int, step: int) -> Row:
        """The arrays of one step of a demonstration."""
        at = self._ends[number] - self.episodes[number]["steps"] + step
        return {key: array[at] for key, array in self.arrays.items()}

    def scenery(self, number: int) -> Scenery:
        """The scenery of one demonstration."""
        row = self.episodes[number]
        return self.world.scenery(row["task"], self.about["seed"], row["episode"])

    def glance(self, task: str, rng: np.random.Generator) -> tuple[Scenery, Row]:
        """A random step of a random demonstration of the task."""
        numbers = [i for i, row in enumerate(self.episodes) if row["task"] == task]
        number = int(rng.choice(numbers))
        step = int(rng.integers(self.episodes[number]["steps"]))
        return self.scenery(number), self.row(number, step)
