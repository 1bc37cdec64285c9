"""Buttons that pop up one at a time, and wait to be hit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pi0bench.envs.panda_kinematics import FINGERS
from pi0bench.envs.scene import Body
from pi0bench.envs.world_protocol import World
from pi0bench.task.scripts.script import Script, sprung

UP_M, DOWN_M = 0.03, -0.03
"""Where a cap's spring would rest while it is up or down; the cap's range ends before."""
HIT_M = -0.004
"""A cap that was up and is lower than this was hit."""
_ARMED_M = 0.008
_UP_S, _PAUSE_S = 3.0, 0.3


@dataclass(frozen=True)
class _State:
    """What the script remembers.

    Attributes:
        rng: where its draws stand.
        up: the button that is up, if any.
        armed: it has come out far enough to be hit.
        steps: for which it has been up, or none has.
        last: the button that was up before, whose fall may still meet the fingers.
        touched: the buttons that fingers touch.
        hits: so far, until a button is touched that is down.
        spoiled: one was.
    """

    rng: Mapping[str, Any]
    up: str = ""
    armed: bool = False
    last: str = ""
    steps: int = 0
    touched: frozenset[str] = frozenset()
    hits: int = 0
    spoiled: bool = False


class Moles(Script):
    """One button at a time pops up, another one than before, for three seconds or until it is hit.

    Whoever touches a button that is down, but the one that was up last, has lost.
    """

    wants = "buttons with springs"

    @staticmethod
    def fits(bodies: Sequence[Body]) -> bool:
        """True for two buttons or more."""
        return len(bodies) > 1 and all(map(sprung, bodies))

    def predicates(self) -> Mapping[str, Callable[..., bool]]:
        """`hits(n=3)`: that many were hit, and none was touched that was down."""
        return {"hits": self._hits}

    def _hits(self, world: World, *, n: float = 1) -> bool:
        """True when `n` buttons were hit, and none was touched that was down."""
        return self._now.hits >= n and not self._now.spoiled

    def begin(self, world: World, rng: np.random.Generator, control_hz: int) -> None:
        """Every button starts down."""
        self._hz = control_hz
        self._now = _State(rng.bit_generator.state)
        for name in self.things:
            low, _ = world.scene.body(name).joints[0].range
            world.set_joints(name, [low])
            world.set_rests(name, [DOWN_M])

    def step(self, world: World) -> None:
        """Let the next one pop up, or count a hit."""
        now = self._touched(world, replace(self._now, steps=self._now.steps + 1))
        if not now.up:
            self._now = self._next(world, now) if now.steps >= _PAUSE_S * self._hz else now
            return
        at_m = float(world.joints(now.up)[0])
        armed = now.armed or at_m > _ARMED_M
        hit = armed and at_m < HIT_M
        if hit or now.steps > _UP_S * self._hz:
            world.set_rests(now.up, [DOWN_M])
            self._now = replace(now, up="", armed=False, last=now.up, steps=0, hits=now.hits + hit)
        else:
            self._now = replace(now, armed=armed)

    def _touched(self, world: World, now: _State) -> _State:
        """Note which are touched, and whether one is that should not be."""
        touched = frozenset(
            name for name in self.things if any(world.contact(name, f) for f in FINGERS)
        )
        wrong = touched - now.touched - {now.up, now.last}
        return replace(now, touched=touched, spoiled=now.spoiled or bool(wrong))

    def _next(self, world: World, now: _State) -> _State:
        rng = np.random.default_rng()
        rng.bit_generator.state = now.rng
        others = [name for name in self.things if name != now.last]
        up = others[rng.integers(len(others))]
        world.set_rests(up, [UP_M])
        return replace(now, rng=rng.bit_generator.state, up=up, steps=0)

    def state(self) -> _State:
        """See `Script.state`."""
        return self._now

    def set_state(self, state: _State) -> None:
        """See `Script.set_state`."""
        self._now = state
