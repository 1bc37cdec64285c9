"""What a script is: a state machine that is stepped after every control step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Body, Scene
from pi0bench.envs.world_protocol import World

Hidden = frozenset[tuple[str, int]]
"""What is not seen any more: names of bodies, each with a number of its geoms."""


class Script:
    """Nothing happens by itself; the kinds of scripts say otherwise.

    What a script remembers belongs to the episode's state, and it follows from the steps and from
    `rng` alone.

    Args:
        things: names of the task's objects that it is about.
    """

    wants = "nothing"
    """The things that it is about, in words."""
    keypoint_heights_m: Mapping[str, float] = MappingProxyType({})
    """Points that eyes shall find beside those of the things: their names, and how high each is."""

    def __init__(self, things: Sequence[str] = ()) -> None:
        self.things = tuple(things)

    @staticmethod
    def fits(bodies: Sequence[Body]) -> bool:
        """True when these models may be its things."""
        return not bodies

    def predicates(self) -> Mapping[str, Callable[..., bool]]:
        """What may be asked of it, by name: functions of the world and of options."""
        return {}

    def measures(self) -> Mapping[str, Callable[..., float]]:
        """Its scores in [0, 1], by name: functions of the world."""
        return {}

    def begin(self, world: World, rng: np.random.Generator, control_hz: int) -> None:
        """Prepare the world, before it settles."""

    def step(self, world: World) -> None:
        """Look at the world after a control step, and act on it."""

    def state(self) -> Any:
        """All that it remembers, of values that never change."""
        return None

    def set_state(self, state: Any) -> None:
        """Remember what it did then."""

    def hidden(self) -> Hidden:
        """What is not seen any more."""
        return frozenset()

    def keypoints_m(
        self, scene: Scene, pose: Callable[[str], Pose], hidden: Hidden
    ) -> Mapping[str, Array]:
        """Where its own points are, (3,) each, told by what is seen alone.

        Args:
            scene: the bodies.
            pose: gives a body's.
            hidden: see `hidden`.
        """
        return {}

    def invented(self, scene: Scene, rng: np.random.Generator) -> Hidden:
        """What could be hidden at some moment."""
        return frozenset()


def sprung(body: Body) -> bool:
    """True for a body whose one joint has a spring, such as a button."""
    return len(body.joints) == 1 and body.joints[0].stiffness > 0
