"""Meshes of fewer triangles, for pictures in which many would share a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array

_TOWARDS_MEAN = 1e-3
"""How much the mean weighs against the planes: it decides where they leave a direction open."""


def simplified(
    vertices_m: Array, triangles: NDArray[np.int64], cell_m: float
) -> tuple[Array, NDArray[np.int64]]:
    """Make one vertex of all that lie in one cubic cell, where it is nearest to their planes.

    Args:
        vertices_m: (V, 3).
        triangles: three rows of `vertices_m` each, (T, 3).
        cell_m: side of a cell.

    Returns:
        The fewer vertices and triangles; both are empty when all was in one cell.

    Source: Lindstrom 2000, Out-of-core simplification of large polygonal models.
    """
    cells = np.floor(vertices_m / cell_m).astype(np.int64)
    _, of_vertex = np.unique(cells, axis=0, return_inverse=True)
    of_vertex = of_vertex.reshape(-1)
    placed_m = _nearest(vertices_m, triangles, of_vertex, cell_m)
    merged = of_vertex[triangles]
    a, b, c = merged.T
    merged = merged[(a != b) & (b != c) & (a != c)]
    _, first = np.unique(np.sort(merged, axis=1), axis=0, return_index=True)
    used, rows = np.unique(merged[np.sort(first)], return_inverse=True)
    return placed_m[used], rows.reshape(-1, 3)


def _nearest(
    vertices_m: Array, triangles: NDArray[np.int64], of_vertex: NDArray[np.int64], cell_m: float
) -> Array:
    """The point of each cell that is nearest to the planes of its triangles, (C, 3)."""
    count = int(of_vertex.max()) + 1
    mean_m, planes, offsets = np.zeros((count, 3)), np.zeros((count, 3, 3)), np.zeros((count, 3))
    np.add.at(mean_m, of_vertex, vertices_m)
    mean_m /= np.bincount(of_vertex, minlength=count)[:, None]
    a, b, c = (vertices_m[corner] for corner in triangles.T)
    normal = np.cross(b - a, c - a)  # as long as twice the area
    area = np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    plane = normal[:, :, None] * normal[:, None, :] / area[:, None, None]
    for corner in triangles.T:
        np.add.at(planes, of_vertex[corner], plane)
        np.add.at(offsets, of_vertex[corner], np.einsum("tij,tj->ti", plane, a))
    weight = _TOWARDS_MEAN * np.trace(planes, axis1=1, axis2=2) + 1e-12
    left = planes + weight[:, None, None] * np.eye(3)
    right = offsets + weight[:, None] * mean_m
    solved: Array = np.linalg.solve(left, right[:, :, None])[:, :, 0]
    return np.clip(solved, mean_m - cell_m, mean_m + cell_m)
