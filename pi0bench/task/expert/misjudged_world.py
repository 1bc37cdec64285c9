"""The world as an expert sees it that is wrong about where one thing is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from pi0bench.envs.pose import Array, Pose, rot_of
from pi0bench.envs.world_protocol import World


@dataclass(frozen=True)
class Misjudgement:
    """How far from a thing it is believed to be: metres along x and y, and a turn about z."""

    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0

    def of(self, pose: Pose) -> Pose:
        """Where the thing is believed to be."""
        turn: Array = rot_of(np.array([0.0, 0.0, self.yaw_rad]))
        return Pose(pose.pos_m + np.array([self.x_m, self.y_m, 0.0]), turn @ pose.rot)


class _MisjudgedWorld:
    """Answers as the world does, but for one body's pose."""

    def __init__(self, world: World, name: str, misjudgement: Misjudgement) -> None:
        self._world, self._name, self._misjudgement = world, name, misjudgement

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._world, attribute)

    def pose(self, name: str) -> Pose:
        """See `World.pose`."""
        return self._believed(name, self._world.pose(name))

    def root_pose(self, name: str) -> Pose:
        """See `World.root_pose`."""
        return self._believed(name, self._world.root_pose(name))

    def _believed(self, name: str, pose: Pose) -> Pose:
        return self._misjudgement.of(pose) if name == self._name else pose


def misjudged(world: World, name: str, misjudgement: Misjudgement) -> World:
    """The world, but that body is believed to be elsewhere."""
    return cast("World", _MisjudgedWorld(world, name, misjudgement))
