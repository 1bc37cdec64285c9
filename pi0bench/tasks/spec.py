"""What a task file says, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pi0bench.tasks.calls import Call

Range = tuple[float, float]


@dataclass(frozen=True)
class Place:
    """Where an object may start: uniform ranges in the base frame, metres and degrees."""

    x_m: Range
    y_m: Range
    yaw_deg: Range = (0.0, 0.0)


@dataclass(frozen=True)
class ObjectSpec:
    """An object of a task. Its colour is drawn from `color`, never one that another object has."""

    name: str
    model: str
    place: Place
    color: tuple[str, ...] = ()


@dataclass(frozen=True)
class Start:
    """Where the gripper starts, pointing down: tool position and uniform spread each way."""

    tcp_m: tuple[float, float, float]
    spread_m: tuple[float, float, float]
    spread_yaw_deg: float


@dataclass(frozen=True)
class TaskSpec:
    """A task.

    Attributes:
        id: the file's name; a task whose difficulty changes gets a new one.
        hash: of the file's bytes, 12 hex digits.
        hold_s: how long the goal must hold, at the end, to count.
        stages: calls whose first truths, in order, give partial credit.
    """

    id: str
    path: Path
    hash: str
    summary: str
    version: int
    max_s: float
    hold_s: float
    instructions: tuple[str, ...]
    plan: tuple[Call, ...]
    stages: tuple[Call, ...]
    goal: tuple[Call, ...]
    objects: tuple[ObjectSpec, ...]
    start: Start
