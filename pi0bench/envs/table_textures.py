"""Tables and floors with a pattern, laid of thin tiles, so that both renderers draw the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Body, Geom, Rgba

_TILE_M = 0.0001  # half a tile's thickness: none is ever felt, and what stands on it hides it
Tile = tuple[float, float, float, float, int]
"""Middle x, y and half extents x, y of a tile on a square from -1 to 1, and its color: 0 or 1."""


def _checks(rng: np.random.Generator) -> Iterator[Tile]:
    """A board of checks, as many as 5 a side; those of the second color are left out."""
    count = int(rng.integers(3, 6))
    for i in range(count):
        for j in range(i % 2, count, 2):
            yield _middle(i, count), _middle(j, count), 1 / count, 1 / count, 0


def _stripes(rng: np.random.Generator) -> Iterator[Tile]:
    """Stripes along the table or across it."""
    count, across = int(rng.integers(3, 8)), rng.random() < 0.5
    for i in range(count):
        at, half = _middle(2 * i, 2 * count), 0.5 / count
        yield (at, 0.0, half, 1.0, 0) if across else (0.0, at, 1.0, half, 0)


def _planks(rng: np.random.Generator) -> Iterator[Tile]:
    """Boards side by side, each with one joint, in two colors and that of the table."""
    count = int(rng.integers(4, 8))
    for i in range(count):
        cut = float(rng.uniform(-0.7, 0.7))
        first = int(rng.integers(2))
        yield _middle(i, count), (cut - 1) / 2, 0.94 / count, (cut + 1) / 2, first
        if i % 2:
            yield _middle(i, count), (cut + 1) / 2, 0.94 / count, (1 - cut) / 2, 1 - first


def _middle(i: int, count: int) -> float:
    return (2 * i + 1) / count - 1


TEXTURES: dict[str, Callable[[np.random.Generator], Iterator[Tile]]] = {
    "checks": _checks,
    "planks": _planks,
    "stripes": _stripes,
}


def textured(
    table: Body, names: tuple[str, ...], contrast: float, rng: np.random.Generator
) -> Body:
    """The table and its floor in other colors, each with one of the patterns of these names.

    Args:
        table: as `pi0bench.envs.content_models.table` makes it: a top, and a floor below.
        names: keys of `TEXTURES`, of which one is drawn for the top and one for the floor.
        contrast: how far each color departs at most from the usual one, in red, green and blue.
        rng: of the patterns and colors.
    """
    link = table.links[0]
    geoms: list[Geom] = []
    for geom in link.geoms:
        geoms.append(replace(geom, rgba=_color(geom.rgba, contrast, rng)))
        colors = [_color(geom.rgba, contrast, rng) for _ in range(2)]
        pattern = TEXTURES[names[rng.integers(len(names))]]
        geoms += [_tile(geom, tile, colors[tile[4]]) for tile in pattern(rng)]
    return replace(table, links=(replace(link, geoms=tuple(geoms)),))


def _tile(base: Geom, tile: Tile, rgba: Rgba) -> Geom:
    x, y, half_x, half_y, _ = tile
    width, depth, height = base.size_m
    size_m = (half_x * width, half_y * depth, _TILE_M)
    pose = base.pose @ Pose(np.array([x * width, y * depth, height + _TILE_M]))
    return Geom("box", size_m, pose, rgba, collide=False)


def _color(usual: Rgba, contrast: float, rng: np.random.Generator) -> Rgba:
    """Mostly lighter or darker, and a little tinted: no color of a task's object."""
    change: Array = contrast * (0.7 * rng.uniform(-1, 1) + 0.3 * rng.uniform(-1, 1, 3))
    r, g, b = np.clip(np.array(usual[:3]) + change, 0.05, 0.95).tolist()
    return r, g, b, 1.0
