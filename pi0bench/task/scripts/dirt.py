"""A dirty patch that a sponge wipes clean, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array
from pi0bench.envs.scene import Body
from pi0bench.envs.world_protocol import World
from pi0bench.task.scripts.script import Script

_LOW_M = 0.004
"""A sponge whose underside is lower than this over the table wipes."""


class Dirt(Script):
    """A cell of the patch is clean once the sponge, lying on the table, has covered its middle.

    Its things are the patch, whose geoms are the cells, and the sponge, a box.
    """

    wants = "a painted patch of several cells, and a box to wipe with"

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
        return self._cleaned(world) >= share

    def _cleaned(self, world: World) -> float:
        return float(1 - self._dirty.mean())

    def begin(self, world: World, rng: np.random.Generator, control_hz: int) -> None:
        """All of it is dirty."""
        patch, sponge = (world.scene.body(name) for name in self.things)
        self._cells_m = np.array([geom.pose.pos_m for geom in patch.links[0].geoms])
        self._sponge_m = np.array(sponge.links[0].geoms[0].size_m)
        self._bottom_m = sponge.bottom_m
        self._dirty: NDArray[np.bool_] = np.ones(len(self._cells_m), bool)

    def step(self, world: World) -> None:
        """Clean what lies under the sponge."""
        patch, sponge = (world.pose(name) for name in self.things)
        if sponge.pos_m[2] - self._bottom_m > _LOW_M:
            return
        under = (patch.pos_m + self._cells_m @ patch.rot.T - sponge.pos_m) @ sponge.rot
        covered = np.all(np.abs(under[:, :2]) < self._sponge_m[:2], axis=1)
        self._dirty = self._dirty & ~covered

    def dirty_m(self) -> Array:
        """Middles of the dirty cells in the patch's frame, (dirty, 3)."""
        return self._cells_m[self._dirty]

    def state(self) -> NDArray[np.bool_]:
        """See `Script.state`."""
        return self._dirty

    def set_state(self, state: NDArray[np.bool_]) -> None:
        """See `Script.set_state`."""
        self._dirty = state

    def hidden(self) -> frozenset[tuple[str, int]]:
        """The clean cells."""
        return frozenset((self.things[0], int(cell)) for cell in np.flatnonzero(~self._dirty))
