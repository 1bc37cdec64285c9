"""A task whose actions are numbers of control steps, and a policy that knows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pi0bench.envs.episode_protocol import OWN, Observation, Verdict
from pi0bench.policy.policy_protocol import Observation as Seen
from pi0bench.policy.policy_protocol import Plan, Traits
from pi0bench.records.record import Cell

HORIZON, EXECUTE = 16, 8


class Stamped:
    """An episode that only notes what it is told; the last number of an action is the gripper's."""

    low, high, control_hz, speed_m_s = np.full(3, -1e3), np.full(3, 1e3), 20, None
    succeeded, verdict, instruction = False, Verdict(), ""

    def __init__(self, length: int) -> None:
        self.length, self.told = length, list[tuple[float, ...]]()

    @property
    def steps(self) -> int:
        return len(self.told)

    @property
    def over(self) -> bool:
        return self.steps >= self.length

    def observe(self, *_: Any) -> Observation:
        return Observation(np.full(13, self.steps, np.float32))

    def step(self, action: Any) -> None:
        self.told.append(tuple(action))

    def close(self) -> None:
        pass


class StampedTask:
    """Keeps its episodes by their numbers."""

    id, hash, engine, renderer = "stamped", "0", "stamped", OWN

    def __init__(self, length: Callable[[int], int] = lambda _: 50) -> None:
        self.episodes: dict[int, Stamped] = {}
        self._length = length

    def begin(self, seed: int, number: int, env: Any = None) -> Any:
        self.episodes[number] = Stamped(self._length(number))
        return self.episodes[number]


class Stamping:
    """Action i of a plan for step k is k + i, k + 1, and a gripper that shuts from step to step."""

    name = "stamping"

    def __init__(self, **traits: Any) -> None:
        self.traits = Traits(**{"execute": EXECUTE, "horizon": HORIZON, **traits})
        self.looks: list[int] = []

    def plan(
        self,
        observations: Sequence[Seen],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        self.looks += [seen.step for seen in observations]
        ahead, looks = np.arange(self.traits.horizon), [seen.step for seen in observations]
        rows = [[(k + i, 1 + k, -k - i) for i in ahead] for k in looks]
        return Plan(np.array(rows, float))


def cell(episode: int = 0, **time: Any) -> Cell:
    return Cell(
        "stamping", "none", "stamped", "0", "stamped", OWN, "nominal", 0, episode, 0, "none", **time
    )
