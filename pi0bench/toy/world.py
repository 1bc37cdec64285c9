"""A room with a wall between start and goal and two gaps in it; lengths have no unit.

A path is the straight lines from its start through its waypoints. Letters: N paths, H waypoints.
The wall lies across the diagonal: `along` runs from (0, 0) to (1, 1), `across` to its left, so
that the upper gap has positive `across`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Truths = NDArray[np.bool_]

START, GOAL = (0.0, 0.0), (1.0, 1.0)
SCATTER = 0.05
"""Paths start within this distance of `START`."""
ARRIVED = 0.05
"""A path arrives when it ends within this distance of `GOAL`."""
WAYPOINTS = 12
UPPER_SHARE = 0.6
"""Share of demonstrations through the upper gap."""

WALL = (0.5**0.5 - 0.025, 0.5**0.5 + 0.025)
"""Where the wall begins and ends, along."""
GAPS = ((-0.4, -0.2), (0.2, 0.4))
"""The lower and the upper gap, across."""
BLOCKS = ((-np.inf, GAPS[0][0]), (GAPS[0][1], GAPS[1][0]), (GAPS[1][1], np.inf))
"""What is solid of the wall, across; it ends nowhere."""

_BOW, _PLAY = 0.3, 0.03
_LANDING = 0.02
_LEAN = 0.1


@dataclass(frozen=True)
class Demonstrations:
    """Ways to the goal.

    Attributes:
        starts: (N, 2).
        paths: waypoints after the start, (N, H, 2).
        upper: whether each takes the upper gap, (N,).
    """

    starts: Numbers
    paths: Numbers
    upper: Truths


@dataclass(frozen=True)
class Outcome:
    """What became of N paths.

    Attributes:
        contact: where each first touches the wall, in lines from the start, inf for never, (N,).
        arrived: whether each ends at the goal, (N,).
        upper: whether each meets the wall's middle line on the upper side, (N,).
    """

    contact: Numbers
    arrived: Truths
    upper: Truths

    @property
    def touched(self) -> Truths:
        """Whether each touches the wall, (N,)."""
        return np.isfinite(self.contact)

    @property
    def succeeded(self) -> Truths:
        """Whether each reaches the goal and never touches the wall, (N,)."""
        return self.arrived & ~self.touched


def draw_starts(count: int, rng: np.random.Generator) -> Numbers:
    """Places spread evenly over the disc around `START`, (count, 2)."""
    return np.array(START) + _disc(count, SCATTER, rng)


def demonstrate(starts: Numbers, rng: np.random.Generator) -> Demonstrations:
    """Smooth paths from the starts (N, 2) through the middle of either gap to the goal.

    Exactly `UPPER_SHARE` of them, rounded, take the upper gap, whatever their start.
    """
    count = len(starts)
    upper = rng.permutation(np.arange(count) < round(UPPER_SHARE * count))
    bow = (_BOW + rng.uniform(-_PLAY, _PLAY, count)) * np.where(upper, 1, -1)
    lean = rng.uniform(1 - _LEAN, 1 + _LEAN, count)
    share = np.arange(1, WAYPOINTS + 1) / WAYPOINTS
    ends = np.array(GOAL) + _disc(count, _LANDING, rng)
    straight = starts[:, None] + share[:, None] * (ends - starts)[:, None]
    aside = bow[:, None] * np.sin(np.pi * share ** lean[:, None])
    return Demonstrations(starts, straight + aside[..., None] * np.array([-1, 1]) / 2**0.5, upper)


def judge(starts: Numbers, paths: Numbers) -> Outcome:
    """What becomes of paths from `starts` (N, 2) through waypoints (N, H, 2)."""
    points = in_wall_axes(np.concatenate([starts[:, None], paths], axis=1))
    first, last = points[:, :-1], points[:, 1:]
    entries = np.stack([_entry(first, last, block) for block in BLOCKS]).min(axis=0)
    contact = (np.arange(entries.shape[1]) + entries).min(axis=1)
    middle = sum(WALL) / 2
    over = (first[..., 0] < middle) & (last[..., 0] >= middle)
    at = over.argmax(axis=1)[:, None, None]
    before, after = (np.take_along_axis(x, at, axis=1)[:, 0] for x in (first, last))
    step = after - before
    share = (middle - before[:, 0]) / np.where(over.any(axis=1), step[:, 0], 1)
    arrived = np.linalg.norm(paths[:, -1] - np.array(GOAL), axis=-1) <= ARRIVED
    upper = over.any(axis=1) & (before[:, 1] + share * step[:, 1] > 0)
    return Outcome(contact, arrived, upper)


def in_wall_axes(points: Numbers) -> Numbers:
    """(x, y) to (along, across), (…, 2) each."""
    x, y = points[..., 0], points[..., 1]
    return np.stack([x + y, y - x], axis=-1) / 2**0.5


def in_room_axes(points: Numbers) -> Numbers:
    """(along, across) to (x, y), (…, 2) each."""
    along, across = points[..., 0], points[..., 1]
    return np.stack([along - across, along + across], axis=-1) / 2**0.5


def _entry(first: Numbers, last: Numbers, block: tuple[float, float]) -> Numbers:
    """Share of each line (N, H, 2) before it enters a block, inf where it never does, (N, H).

    A line is inside between its latest entry into, and its earliest exit from, the two strips
    whose common part the block is.
    """
    entry, leaving = np.zeros(first.shape[:-1]), np.ones(first.shape[:-1])
    for axis, (low, high) in enumerate((WALL, block)):
        start, step = first[..., axis], last[..., axis] - first[..., axis]
        still, inside = step == 0, (low <= start) & (start <= high)
        to_low, to_high = ((end - start) / np.where(still, 1, step) for end in (low, high))
        near, far = np.minimum(to_low, to_high), np.maximum(to_low, to_high)
        # A line along the strip is in it all the time or never.
        near = np.where(still, np.where(inside, -np.inf, np.inf), near)
        far = np.where(still, np.where(inside, np.inf, -np.inf), far)
        entry, leaving = np.maximum(entry, near), np.minimum(leaving, far)
    return np.where(entry <= leaving, entry, np.inf)


def _disc(count: int, radius: float, rng: np.random.Generator) -> Numbers:
    """Points spread evenly over a disc around the origin, (count, 2)."""
    angle = rng.uniform(0, 2 * np.pi, count)
    distance = radius * np.sqrt(rng.uniform(size=count))
    return distance[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
