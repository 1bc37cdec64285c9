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

Action = NDArray[np.float64]
HOLD = -1
"""In place of a plan's number, where the robot holds still."""


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


class ActionQueue:
    """The actions of one episode: those that were carried out, and those until the next look.

    A plan that was made while the one before went on is followed from its action `Pace.delay` on,
    which is the first whose time has not passed. The first plan finds a robot that holds still,
    and is followed from its beginning.
    """

    def __init__(self) -> None:
        self._left: deque[Step] = deque()
        self._done: list[Step] = []
        self._plans = 0
        self._before: Sequence[Step] = ()
        self._cursor = 0

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
        self._plans += 1
        pace, size = chunk.pace, len(chunk.actions)
        clipped = [0] * size if chunk.clipped is None else chunk.clipped.tolist()
        rows = zip(chunk.actions, clipped, strict=True)
        plan = [Step(action, count, self._plans) for action, count in rows]
        held = [self._hold(chunk.actions.shape[1])] * pace.delay
        if not pace.overlaps:
            self._left.extend([*held, *plan[: pace.execute]])
            return
        before, cursor = self._before, self._cursor
        self._before, self._cursor = plan, pace.execute
        if before:
            self._left.extend(before[cursor : cursor + pace.delay])
            self._left.extend(plan[pace.delay : pace.execute])
            return
        self._cursor -= pace.delay
        self._left.extend([*held, *plan[: self._cursor]])

    def _hold(self, numbers: int) -> Step:
        """What moves nothing and leaves the gripper, the last number, as it is: open at first."""
        action = np.zeros(numbers)
        action[-1] = self._done[-1].action[-1] if self._done else OPEN
        return Step(action, 0, HOLD)

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
