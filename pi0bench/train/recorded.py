"""Recorded demonstrations, for drawing moments of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs import models
from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.panda import panda
from pi0bench.envs.pose import from_quat
from pi0bench.envs.scene import Body, Scene
from pi0bench.tasks.load import task as load_task
from pi0bench.tasks.spec import TaskSpec
from pi0bench.train.arrays import read
from pi0bench.train.demos import layout_of


def moment(
    bodies: Sequence[Body], arrays: dict[str, NDArray[Any]], step: int
) -> tuple[Scene, Snapshot]:
    """What there was to see before a step of a demonstration, for drawing it."""
    table = models.table()
    poses, joints = {table.name: table.pose}, {}
    rows = zip(bodies, arrays["poses"][step], arrays["joints"][step], strict=False)
    for body, pose, joint_at in rows:
        poses[body.name] = from_quat(pose[:3], pose[3:])
        joints[body.name] = float(joint_at)
    snap = Snapshot(arrays["q_rad"][step], float(arrays["width_m"][step]), poses, joints)
    return Scene(panda().body, (table, *bodies)), snap


class Recorded:
    """A file of demonstrations (see `pi0bench.train.demos`)."""

    def __init__(self, path: Path) -> None:
        self.arrays, self.about = read(path)
        self.episodes: list[dict[str, Any]] = self.about["episodes"]
        self._ends = np.cumsum([row["steps"] for row in self.episodes])

    def episode(self, number: int) -> dict[str, NDArray[Any]]:
        """The arrays of one demonstration."""
        steps = slice(self._ends[number] - self.episodes[number]["steps"], self._ends[number])
        return {key: array[steps] for key, array in self.arrays.items()}

    def bodies(self, number: int) -> tuple[Body, ...]:
        """The objects of one demonstration."""
        row = self.episodes[number]
        return layout_of(load_task(row["task"]), self.about["seed"], row["episode"]).bodies

    def moment(self, task: TaskSpec, rng: np.random.Generator) -> tuple[Scene, Snapshot]:
        """A random moment of a random demonstration of the task."""
        numbers = [i for i, row in enumerate(self.episodes) if row["task"] == task.id]
        number = int(rng.choice(numbers))
        step = int(rng.integers(self.episodes[number]["steps"]))
        return moment(self.bodies(number), self.episode(number), step)
