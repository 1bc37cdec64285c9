"""What a robot carries out, step after step, of the plans that come in."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.controller import OPEN
from pi0bench.evaluate.ask_policy import Chunk
from pi0bench.evaluate.look_rules import RULES

Action = NDArray[np.float64]
HOLD = -1
"""In place of a plan's number, where the robot holds still."""

DECAY = 0.01
"""Of a plan's weight in a mean, from one plan to the next, the oldest first: the published m."""


@dataclass(frozen=True, eq=False)
class Step:
    """What is carried out in one control step.

    Attributes:
        action: a legal one, (A,).
        clipped: how many of its numbers were outside the legal range.
        plan: number of the plan that it is of, or `HOLD`.
    """

    action: Action
    clipped: int
    plan: int


@dataclass(frozen=True, eq=False)
class TimedPlan:
    """A plan in an episode's time.

    Attributes:
        steps: its own.
        begins: control step that its first one is meant for.
        arrives: first control step at which it can be followed.
    """

    steps: Sequence[Step]
    begins: int
    arrives: int

    def holds(self, k: int) -> bool:
        """True when it has come, and has a step for control step k."""
        return self.arrives <= k < self.begins + len(self.steps)

    def at(self, k: int) -> Step:
        """Its step for control step k."""
        return self.steps[k - self.begins]


class ActionQueue:
    """The actions of one episode: those that were carried out, and those until the next look.

    A plan that was made while the one before went on is followed from its action `Pace.delay` on,
    which is the first whose time has not passed. The first plan finds a robot that holds still,
    and is followed from its beginning; so is every plan for which the robot has held still.

    Args:
        step_m: what an action of 1 moves the hand; 0.0 where nobody knows.
    """

    def __init__(self, step_m: float = 0.0) -> None:
        self._step_m, self._turn = step_m, 0
        self._left: deque[Step] = deque()
        self._done: list[Step] = []
        self._asked = 0
        self._plans: list[TimedPlan] = []

    def __len__(self) -> int:
        """Control steps until the next look."""
        return len(self._left)

    @property
    def next(self) -> Action:
        """The action that is to be carried out next, (A,)."""
        return self._left[0].action

    def done(self) -> None:
        """The next action was carried out, or the world broke on it."""
        self._done.append(self._left.popleft())

    def take(self, chunk: Chunk) -> None:
        """Line up what is carried out until the next look; nothing is left of the turn before."""
        self._asked += 1
        pace, look, numbers = chunk.pace, len(self._done), chunk.actions.shape[1]
        clipped = [0] * len(chunk.actions) if chunk.clipped is None else chunk.clipped.tolist()
        rows = zip(chunk.actions, clipped, strict=True)
        steps = [Step(action, count, self._asked) for action, count in rows]
        self._turn = self._next_turn(chunk)
        before = [plan for plan in self._plans if plan.holds(look)] if pace.overlaps else []
        begins = look if before else look + pace.delay
        self._plans = [*before, TimedPlan(steps, begins, look + pace.delay)]
        held = self._hold(numbers)
        self._left.extend(
            self._at(k, pace.averages) or held for k in range(look, look + self._turn)
        )

    def _next_turn(self, chunk: Chunk) -> int:
        """Control steps until the look after the one that this plan was made of."""
        pace = chunk.pace
        rule = RULES[pace.look]
        if rule is None:
            return pace.period
        ahead = self.ahead(chunk.actions.shape[1])
        return rule(chunk.actions, ahead, self._turn, pace.execute, self._step_m)

    def _at(self, k: int, averages: bool) -> Step | None:
        """What the plans say for control step k, the newest or all together; None if none does."""
        found = [plan.at(k) for plan in self._plans if plan.holds(k)]
        if not found:
            return None
        newest = found[-1]
        if not averages:
            return newest
        weights = np.exp(-DECAY * np.arange(len(found)))
        mean = np.average([step.action for step in found], axis=0, weights=weights)
        return Step(mean, newest.clipped, newest.plan)

    def _hold(self, numbers: int) -> Step:
        """What moves nothing and leaves the gripper, the last number, as it is: open at first."""
        action = np.zeros(numbers)
        action[-1] = self._done[-1].action[-1] if self._done else OPEN
        return Step(action, 0, HOLD)

    def ahead(self, numbers: int) -> NDArray[np.float64]:
        """What the newest plan says from now on, (N, A); at first nothing, of so many numbers."""
        if not self._plans:
            return np.zeros((0, numbers))
        newest = self._plans[-1]
        left = [step.action for step in newest.steps[len(self._done) - newest.begins :]]
        return np.stack(left) if left else np.zeros((0, numbers))

    @property
    def commands(self) -> list[Action]:
        """What was carried out, an action a control step."""
        return [step.action for step in self._done]

    @property
    def held(self) -> int:
        """Control steps in which the robot held still."""
        return sum(step.plan == HOLD for step in self._done)

    @property
    def clipped(self) -> int:
        """Numbers of what was carried out that had been outside the legal range."""
        return sum(step.clipped for step in self._done)

    def chunks(self) -> list[NDArray[np.float64]]:
        """What was carried out of each plan in a row, (N, A); to hold still is one too."""
        plans = groupby(self._done, key=lambda step: step.plan)
        return [np.array([step.action for step in steps]) for _, steps in plans]
