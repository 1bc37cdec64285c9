"""The real Panda's meshes, which PyBullet's wheel brings: Franka Emika's, under Apache-2.0."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array
from pi0bench.envs.render.mesh_simplification import simplified
from pi0bench.errors import MachineError

MESH_LINKS = (*(f"link{number}" for number in range(8)), "hand", "finger")
"""The links by their files' names; both fingers have one mesh."""

_WHITE = (0.90, 0.92, 0.93)

Rgb = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class MeshPart:
    """What of a link's mesh has one colour.

    Attributes:
        rgb: its colour.
        vertices_m: in the link's frame, (V, 3).
        triangles: three rows of `vertices_m` each, (T, 3).
    """

    rgb: Rgb
    vertices_m: Array
    triangles: NDArray[np.int64]


def mesh_parts(link: str, cell_m: float) -> list[MeshPart]:
    """Read a link's mesh, a part for each of its colours.

    Args:
        link: one of `MESH_LINKS`.
        cell_m: keep a vertex for each cubic cell of that side (see `simplified`); 0 keeps all.

    Raises:
        MachineError: PyBullet's data are not there.
    """
    path = _file(link)
    colors = _colors(path.with_suffix(".mtl"))
    vertices_m, triangles = _geometry(path)
    parts: dict[Rgb, list[NDArray[np.int64]]] = {}
    for material, rows in triangles.items():
        parts.setdefault(colors.get(material, _WHITE), []).append(np.array(rows))
    found = [_part(rgb, vertices_m, np.concatenate(rows), cell_m) for rgb, rows in parts.items()]
    return [part for part in found if len(part.vertices_m) > 3]  # a screw may fit into a cell


def _file(link: str) -> Path:
    """The mesh that is seen; link0 and link7 have only the one that collides."""
    found = find_spec("pybullet_data")
    folders = found.submodule_search_locations if found else None
    for home in folders or ():
        for kind in ("visual", "collision"):
            path = Path(home) / "franka_panda" / "meshes" / kind / f"{link}.obj"
            if path.is_file():
                return path
    raise MachineError(f"pybullet_data has no mesh of the Panda's {link}; reinstall pybullet.")


def _colors(path: Path) -> dict[str, Rgb]:
    """The diffuse colour of each material of an MTL file; none where there is no such file."""
    colors: dict[str, Rgb] = {}
    material = ""
    for words in _lines(path) if path.is_file() else ():
        if words[0] == "newmtl":
            material = words[1]
        elif words[0] == "Kd":
            red, green, blue = map(float, words[1:4])
            colors[material] = (red, green, blue)
    return colors


def _geometry(path: Path) -> tuple[Array, dict[str, list[tuple[int, int, int]]]]:
    """An OBJ file's vertices, (V, 3), and its polygons cut into triangles, by material."""
    vertices, triangles = list[list[float]](), dict[str, list[tuple[int, int, int]]]()
    material = ""
    for words in _lines(path):
        if words[0] == "v":
            vertices.append([float(word) for word in words[1:4]])
        elif words[0] == "usemtl":
            material = words[1]
        elif words[0] == "f":
            first, *others = (int(word.split("/")[0]) - 1 for word in words[1:])
            fan = itertools.pairwise(others)
            triangles.setdefault(material, []).extend((first, b, c) for b, c in fan)
    return np.array(vertices), triangles


def _lines(path: Path) -> Iterator[list[str]]:
    for line in path.read_text("utf-8").splitlines():
        if words := line.split():
            yield words


def _part(rgb: Rgb, vertices_m: Array, triangles: NDArray[np.int64], cell_m: float) -> MeshPart:
    if cell_m:
        return MeshPart(rgb, *simplified(vertices_m, triangles, cell_m))
    a, b, c = triangles.T
    used, rows = np.unique(triangles[(a != b) & (b != c) & (a != c)], return_inverse=True)
    return MeshPart(rgb, vertices_m[used], rows.reshape(-1, 3))
