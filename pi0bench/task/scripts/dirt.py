"""A dirty patch that a sponge wipes clean, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Body, Scene
from pi0bench.envs.world_protocol import World
from pi0bench.task.scripts.script import Hidden, Script

_LOW_M = 0.004
"""A sponge whose underside is lower than this over the table wipes."""
Cells = NDArray[np.bool_]


class Dirt(Script):
    """A cell of the patch is clean once the sponge, lying on the table, has covered its middle.

    Its things are the patch, whose geoms are the cells, and the sponge, a box.
    """

    wants = "a painted patch of several cells, and a box to wipe with"
    keypoint_heights_m = MappingProxyType({"dirt": 0.001})

    @staticmethod
    def fits(bodies: Sequence[Body]) -> bool:
        """True for a patch of several cells and a free box."""
        if len(bodies) != 2:
            return False
        patch, sponge = bodies
        painted = not any(geom.collide for geom in patch.links[0].geoms)
        box = sponge.links[0].geoms[0].shape == "box"
        return painted and len(patch.links[0].geoms) > 1 and sponge.free and box

    def predicates(self) -> Mapping[str, Callable[..., bool]]:
        """`wiped(share=0.95)`: that share of the cells is clean."""
        return {"wiped": self._wiped}

    def measures(self) -> Mapping[str, Callable[..., float]]:
        """`cleaned()`: the share of the cells that are clean."""
        return {"cleaned": self._cleaned}

    def _wiped(self, world: World, *, share: float = 0.95) -> bool:
        """True when that share of the cells is clean."""
        return self._cleaned(world) >= share

    def _cleaned(self, world: World) -> float:
        """The share of the cells that are clean."""
        return float(1 - self._dirty.mean())

    def begin(self, world: World, rng: np.random.Generator, control_hz: int) -> None:
        """All of it is dirty."""
        patch, sponge = (world.scene.body(name) for name in self.things)
        self._cells_m = _cells_m(patch)
        self._sponge_m = np.array(sponge.links[0].geoms[0].size_m)
        self._bottom_m = sponge.bottom_m
        self._dirty: Cells = np.ones(len(self._cells_m), bool)

    def step(self, world: World) -> None:
        """Clean what lies under the sponge."""
        patch, sponge = (world.pose(name) for name in self.things)
        if sponge.pos_m[2] - self._bottom_m > _LOW_M:
            return
        under = (patch.pos_m + self._cells_m @ patch.rot.T - sponge.pos_m) @ sponge.rot
        covered = np.all(np.abs(under[:, :2]) < self._sponge_m[:2], axis=1)
        self._dirty = self._dirty & ~covered

    def state(self) -> Cells:
        """See `Script.state`."""
        return self._dirty

    def set_state(self, state: Cells) -> None:
        """See `Script.set_state`."""
        self._dirty = state

    def hidden(self) -> Hidden:
        """The clean cells."""
        return self._clean(self._dirty)

    def _clean(self, dirty: Cells) -> Hidden:
        return frozenset((self.things[0], int(cell)) for cell in np.flatnonzero(~dirty))

    def keypoints_m(
        self, scene: Scene, pose: Callable[[str], Pose], hidden: Hidden
    ) -> Mapping[str, Array]:
        """`dirt`, where the sponge shall be led next, while there is any."""
        patch, sponge = (scene.body(name) for name in self.things)
        cells_m = _cells_m(patch)
        dirty = np.array([(patch.name, cell) not in hidden for cell in range(len(cells_m))])
        if not dirty.any():
            return {}
        there = next_place_m(cells_m, dirty, 2 * sponge.links[0].geoms[0].size_m[1])
        return {"dirt": (pose(patch.name) @ Pose(there)).pos_m}

    def invented(self, scene: Scene, rng: np.random.Generator) -> Hidden:
        """A patch that was wiped up to some cell, but for some cells."""
        cells = len(scene.body(self.things[0]).links[0].geoms)
        wiped = np.arange(cells) < rng.uniform(-0.2, 1.0) * cells
        return self._clean(~(wiped & (rng.random(cells) > 0.1 * rng.integers(2))))


def next_place_m(cells_m: Array, dirty: Cells, lane_m: float) -> Array:
    """Where the sponge shall be led next, (3,) in the patch's frame.

    To the first dirty cell, lane by lane along x, to and fro; and to the middle of its lane.

    Args:
        cells_m: middles of the cells, (cells, 3).
        dirty: which of them are, at least one, (cells,).
        lane_m: the sponge's width along y.
    """
    low = cells_m[:, 1].min() - 1e-6
    lanes = ((cells_m[:, 1] - low) / lane_m).astype(int)
    lane = int(lanes[dirty].min())
    own = lanes == lane
    x = cells_m[own & dirty, 0]
    first = x.min() if lane % 2 == 0 else x.max()
    return np.array([first, cells_m[own, 1].mean(), 0.0])


def _cells_m(patch: Body) -> Array:
    """Middles of the cells in the patch's frame, (cells, 3)."""
    return np.array([geom.pose.pos_m for geom in patch.links[0].geoms])
