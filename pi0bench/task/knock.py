"""A thing that is pushed aside once, at a moment that was drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pi0bench.envs.pose import Array
from pi0bench.envs.world_protocol import World
from pi0bench.task.predicates import touching
from pi0bench.task.start_states import Layout
from pi0bench.task.task_spec import TaskSpec


@dataclass(frozen=True, eq=False)
class Knock:
    """What is knocked, when, and how.

    Attributes:
        thing: name of a free object.
        at_s: seconds after the start; while a finger touches the thing, the knock waits.
        velocity_m_s: of the thing just after it, (3,).
    """

    thing: str
    at_s: float
    velocity_m_s: Array


class Knocker:
    """Knocks once, if there is anything to be knocked; what it remembers is part of the state.

    Attributes:
        at: control steps that had been made when it knocked; None before.
        to_come: True until it has knocked.
    """

    def __init__(self, knock: Knock | None, control_hz: int) -> None:
        self._knock, self._hz = knock, control_hz
        self.at: int | None = None
        self.to_come = knock is not None

    def before_step(self, world: World, steps: int) -> None:
        """Knock, if it is time: `steps` control steps have been made."""
        if self._knock is None or not self.to_come or steps < self._knock.at_s * self._hz:
            return
        if not touching(world, self._knock.thing):
            world.set_velocity(self._knock.thing, self._knock.velocity_m_s)
            self.at, self.to_come = steps, False

    def spare(self) -> None:
        """Never knock."""
        self.to_come = False

    def state(self) -> Any:
        """All that it remembers."""
        return self.at, self.to_come

    def set_state(self, state: Any) -> None:
        """Remember what it did then."""
        self.at, self.to_come = state


def first_free(task: TaskSpec, layout: Layout) -> str:
    """The first free object that the expert's plan names; "" where all that it names is fixed."""
    free = {body.name for body in layout.bodies if body.free}
    way = task.ways[int(layout.expert_choice * len(task.ways))]
    named = (str(name) for rule in way.plan for name in rule.call.args)
    return next((name for name in named if name in free), "")


def draw_knock(
    thing: str, speed_m_s: tuple[float, float], within_s: float, rng: np.random.Generator
) -> Knock:
    """A knock of that thing, in any direction along the table, in the first seconds."""
    angle = rng.uniform(-np.pi, np.pi)
    along = np.array([np.cos(angle), np.sin(angle), 0.0])
    return Knock(thing, float(rng.uniform(0, within_s)), along * rng.uniform(*speed_m_s))
