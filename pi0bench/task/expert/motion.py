"""How the expert moves: every action can be read off the present state alone.

A policy without memory copies the expert from pictures, so the expert has no phases: it descends
as far as its horizontal error allows (a funnel), and grips when it is at the object. What moves
is met where it will be, and followed at its speed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pi0bench.envs.controller import MAX_SPEED_M_S, MAX_TURN_RAD_S
from pi0bench.envs.pose import Array, Pose, downward, vector_of
from pi0bench.envs.world_protocol import World
from pi0bench.task.scripts.script import Script

TRAVEL_M = 0.14  # height of the tool above the table when it carries or searches
_HALVED_S = 0.05  # in which what is left of a way is halved
_SLOWEST = 0.25  # of the speed, at the end of what is gone slowly
_FUNNEL, _STEEP_FUNNEL = 6.0, 25.0
_SPEED_M_S = 0.4
_TURN_RAD_S = 2.4


@dataclass(frozen=True, eq=False)
class View:
    """What the expert acts on.

    Attributes:
        world: the true poses.
        control_hz: actions a second.
        goal: the commanded tool pose, which the actions move.
        script: what happens by itself, which some skills look at.
        expert_choice: uniform in [0, 1), once an episode: which of several right ways to take.
    """

    world: World
    control_hz: int
    goal: Pose
    script: Script
    expert_choice: float


def move(
    view: View, pos_m: Array, yaw_rad: float, grip: float, velocity_m_s: Array | None = None
) -> Array:
    """The action that moves the commanded pose towards there, slowing down as it arrives, (7,).

    Args:
        view: what the expert acts on.
        pos_m: where the tool shall be, (3,).
        yaw_rad: the heading that the hand shall have; it points down.
        grip: `OPEN` or `SHUT`.
        velocity_m_s: of what the tool goes along with, (3,).
    """
    return turn_and_move(view, pos_m, downward(yaw_rad), grip, velocity_m_s)


def turn_and_move(
    view: View, pos_m: Array, rot: Array, grip: float, velocity_m_s: Array | None = None
) -> Array:
    """See `move`; `rot` is the whole rotation that the hand shall have, (3, 3)."""
    step = _steered(pos_m - view.goal.pos_m, view.control_hz, _SPEED_M_S, MAX_SPEED_M_S)
    if velocity_m_s is not None:
        step = step + velocity_m_s / MAX_SPEED_M_S
    turn = vector_of(rot @ view.goal.rot.T)
    turn = _steered(turn, view.control_hz, _TURN_RAD_S, MAX_TURN_RAD_S)
    return np.concatenate([step, turn, [grip]])


def _steered(left: Array, control_hz: int, speed: float, full: float) -> Array:
    """What an action says, (3,), that goes part of what is left of a way.

    Args:
        left: the way, metres or radians, (3,).
        control_hz: actions a second.
        speed: that is not passed, a second.
        full: of an action of 1, a second.
    """
    step = (1 - 0.5 ** (1 / (control_hz * _HALVED_S))) * left
    most = speed / control_hz / max(float(np.linalg.norm(step)), 1e-9)
    return step * (min(1.0, most) / (full / control_hz))


def slowed(view: View, pos_m: Array, left_m: float, slow_m: float) -> Array:
    """A point on the way to that one, to which the tool moves more slowly, (3,).

    It is nearer the less there is left of the last `slow_m` metres, down to a quarter of the way.
    """
    if not slow_m:
        return pos_m
    share = np.clip(left_m / slow_m, _SLOWEST, 1.0)
    return view.goal.pos_m + share * (pos_m - view.goal.pos_m)


def steepness(slow_m: float) -> float:
    """The slope of a funnel: who goes slowly comes over a place before coming down on it."""
    return _STEEP_FUNNEL if slow_m else _FUNNEL


def square_yaw(pose: Pose, symmetry: int = 4) -> float:
    """The nearest to straight of the headings in which a thing looks the same."""
    return least_turn(pose.yaw_rad(), symmetry)


def least_turn(angle_rad: float, symmetry: int) -> float:
    """The least turn that looks like this one of a thing that has so many equal headings."""
    if symmetry == 0:
        return 0.0
    part = 2 * np.pi / symmetry
    return float((angle_rad + part / 2) % part - part / 2)


def raised(pos_m: Array, height_m: float) -> Array:
    """The point that far above another one, (3,)."""
    return pos_m + np.array([0, 0, height_m])


def funnel(
    view: View,
    target_m: Array,
    *,
    yaw_error_rad: float = 0.0,
    room_m: float = 0.006,
    slope: float = _FUNNEL,
    high_m: float = TRAVEL_M,
) -> Array:
    """The point to move to now so that the tool comes down on `target_m` from above, (3,).

    It is as high over the target as it is off it, times `slope`, beyond the first `room_m`; but
    not higher than `high_m` over the table.
    """
    off = float(np.linalg.norm((target_m - view.goal.pos_m)[:2])) + 0.03 * abs(yaw_error_rad)
    height = np.clip(slope * (off - room_m), 0.0, high_m - min(target_m[2], high_m))
    return target_m + np.array([0.0, 0.0, height])


def carried(
    view: View,
    item: str,
    target_m: Array,
    *,
    floor_m: float = 0.06,
    room_m: float = 0.006,
    slope: float = _FUNNEL,
) -> Array:
    """The point to move to now so that the held object comes down on `target_m`, (3,).

    While the object is lower than `floor_m` and not yet over its target it only rises.
    """
    offset = view.goal.pos_m - view.world.pose(item).pos_m
    tool = np.array([*(target_m + offset)[:2], target_m[2]])
    point = funnel(view, tool, room_m=room_m, slope=slope)
    low = floor_m - view.world.pose(item).pos_m[2]
    away = float(np.linalg.norm((tool - view.goal.pos_m)[:2]))
    if low > 0 and away > 0.02:
        point = np.array([*view.goal.pos_m[:2], TRAVEL_M])
    return point
