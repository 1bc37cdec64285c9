"""Buttons that stay down once they are pressed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from pi0bench.envs.scene import Body
from pi0bench.envs.world_protocol import World
from pi0bench.task.scripts.moles import DOWN_M, HIT_M, UP_M
from pi0bench.task.scripts.script import Script, sprung


class Latches(Script):
    """Each button stays down once pressed; its things stand in the order that is wanted."""

    wants = "buttons with springs, in the order that is wanted"

    @staticmethod
    def fits(bodies: Sequence[Body]) -> bool:
        """True for two buttons or more."""
        return len(bodies) > 1 and all(map(sprung, bodies))

    def predicates(self) -> Mapping[str, Callable[..., bool]]:
        """`in_order(n=2)`: the first two were pressed, first, and in their order."""
        return {"in_order": self._in_order}

    def _in_order(self, world: World, *, n: float = 1) -> bool:
        """True when the first `n` buttons were pressed, before all others and in their order."""
        count = int(n)
        return len(self._pressed) >= count and self._pressed[:count] == self.things[:count]

    def begin(self, world: World, rng: np.random.Generator, control_hz: int) -> None:
        """Every button starts up."""
        self._pressed: tuple[str, ...] = ()
        for name in self.things:
            _, high = world.scene.body(name).joints[0].range
            world.set_joints(name, [high])
            world.set_rests(name, [UP_M])

    def step(self, world: World) -> None:
        """Note which are pressed, and keep them down."""
        for name in self.things:
            if name not in self._pressed and world.joints(name)[0] < HIT_M:
                self._pressed += (name,)
                world.set_rests(name, [DOWN_M])

    def state(self) -> tuple[str, ...]:
        """See `Script.state`."""
        return self._pressed

    def set_state(self, state: tuple[str, ...]) -> None:
        """See `Script.set_state`."""
        self._pressed = state
