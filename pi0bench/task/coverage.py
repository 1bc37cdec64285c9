"""How much of a flat outline a flat block covers, seen from above."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from pi0bench.envs.pose import Pose
from pi0bench.envs.scene import Body
from pi0bench.envs.world_protocol import World

Point = tuple[float, float]
_CORNERS = np.array([(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)])  # counterclockwise


def coverage(world: World, block: str, outline: str) -> float:
    """Area that `block` and `outline` share, over the area of `outline`; in [0, 1].

    Source: the score of Push-T, Florence et al. 2022.
    """
    scene = world.scene
    over = _rectangles(scene.body(block), world.pose(block))
    under = _rectangles(scene.body(outline), world.pose(outline))
    shared = sum(_area(_clip(a, b)) for a in over for b in under)
    return min(1.0, shared / sum(_area(b) for b in under))


def reward(world: World, block: str, outline: str, *, full: float = 1.0) -> float:
    """The coverage as a part of the one that counts as full, at most 1.

    Source: the reward of Push-T, Chi et al. 2023, whose full coverage is 0.95.
    """
    return min(1.0, coverage(world, block, outline) / full)


def covered(world: World, block: str, outline: str, *, least: float = 0.95) -> bool:
    """True when `block` covers more than that part of `outline`."""
    return coverage(world, block, outline) > least


def flat(of: Body) -> bool:
    """True when the body is one link of upright boxes side by side, whose areas can be added."""
    geoms = of.links[0].geoms
    if len(of.links) > 1 or any(g.shape != "box" or g.pose.rot[2, 2] < 0.999 for g in geoms):
        return False
    pairs = combinations(_rectangles(of, Pose()), 2)
    return all(_area(_clip(a, b)) < 1e-9 for a, b in pairs)


def _rectangles(body: Body, pose: Pose) -> list[list[Point]]:
    """The boxes of the body from above, corners counterclockwise; boxes must not overlap."""
    found = []
    for geom in body.links[0].geoms:
        placed = pose @ geom.pose
        corners = placed.pos_m[:2] + _CORNERS * geom.size_m[:2] @ placed.rot[:2, :2].T
        found.append([(float(x), float(y)) for x, y in corners])
    return found


def _clip(shape: list[Point], window: list[Point]) -> list[Point]:
    """What two convex polygons share (Sutherland and Hodgman 1974)."""
    for (ax, ay), (bx, by) in zip(window, window[1:] + window[:1], strict=True):
        if not shape:
            return []
        inside = [(bx - ax) * (y - ay) - (by - ay) * (x - ax) for x, y in shape]
        kept: list[Point] = []
        for i, (x, y) in enumerate(shape):
            before, now = inside[i - 1], inside[i]
            if before * now < 0:  # this side of the shape crosses the window's edge
                u, v = shape[i - 1]
                part = before / (before - now)
                kept.append((u + part * (x - u), v + part * (y - v)))
            if now >= 0:
                kept.append((x, y))
        shape = kept
    return shape


def _area(shape: list[Point]) -> float:
    """Area of a polygon, corners counterclockwise (the shoelace formula)."""
    following = shape[1:] + shape[:1]
    return sum(x * v - u * y for (x, y), (u, v) in zip(shape, following, strict=True)) / 2
