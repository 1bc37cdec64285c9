"""Reads the content files from which scenes are built: robots, objects, table and cameras."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pi0bench.content.folders import files_of, folder, folders_of, shown
from pi0bench.content.toml_files import opened
from pi0bench.envs.object_checks import check, rgba
from pi0bench.envs.pose import Pose, from_rpy
from pi0bench.envs.scene import Body, Geom, Interior, Joint, Keypoint, Link, Rgba
from pi0bench.errors import UsageError, unknown

_DRIVEN_BY = ("damping", "friction", "stiffness", "rest", "drive")


@cache
def read(*path: str) -> dict[str, Any]:
    """The parsed content file envs/`path` of the benchmark."""
    return tomllib.loads(folder("envs").joinpath(*path).read_text("utf-8"))


def geoms_of(rows: list[dict[str, Any]], materials: dict[str, Rgba]) -> tuple[Geom, ...]:
    """Geoms from their table rows.

    A row with `ring = n` stands n times about the z axis; a box with `grid = [m, n]` is cut into m
    by n cells, row by row.
    """
    geoms = []
    for row in rows:
        pose = from_rpy(row.get("pos_m", (0, 0, 0)), np.radians(row.get("rpy_deg", (0, 0, 0))))
        size_m = tuple(float(x) for x in row["size_m"])
        if "grid" in row:
            columns, lines = (int(count) for count in row["grid"])
            size_m = (size_m[0] / columns, size_m[1] / lines, size_m[2])
            places = [
                pose @ Pose(np.array([x * size_m[0], y * size_m[1], 0.0]))
                for y in range(1 - lines, lines, 2)
                for x in range(1 - columns, columns, 2)
            ]
        else:
            turns = [2 * np.pi * turn / row.get("ring", 1) for turn in range(row.get("ring", 1))]
            places = [from_rpy((0, 0, 0), (0, 0, turn)) @ pose for turn in turns]
        geoms += [
            Geom(
                shape=row["shape"],
                size_m=size_m,
                pose=place,
                rgba=materials[row.get("material", "")],
                friction=row.get("friction", 1.0),
                collide=row.get("collide", True),
            )
            for place in places
        ]
    return tuple(geoms)


def names() -> tuple[str, ...]:
    """The object models that tasks may name, sorted."""
    return tuple(sorted(_files(tuple(folders_of("envs")))))


def model(name: str) -> Body:
    """The object model of that name, standing at the origin in its own colour.

    Raises:
        UsageError: there is none, or its file is wrong.
    """
    return _body(_file(name))


def _file(name: str) -> Path:
    files = _files(tuple(folders_of("envs")))
    if name not in files:
        raise UsageError(unknown("object model", name, files))
    return files[name]


@cache
def _files(homes: tuple[Path, ...]) -> dict[str, Path]:
    """Each object's file in these folders; asked for again and again while things are placed."""
    return files_of("envs", "objects/*.toml")


@cache
def _raw(path: Path) -> dict[str, Any]:
    it, _ = opened(path)
    check(it)
    if it.problems:
        raise UsageError("\n".join(it.problems))
    return it.raw


@cache
def _body(path: Path) -> Body:
    name, raw = path.stem, _raw(path)
    materials = {key: tuple(rgba) for key, rgba in raw.get("material", {}).items()}
    colored = {"": tuple(raw["color"]), **materials}
    links: list[Link] = []
    for row in raw["link"]:
        parent = row.get("parent", links[0].name if links else None)
        place = from_rpy(row.get("pos_m", (0, 0, 0)), np.radians(row.get("rpy_deg", (0, 0, 0))))
        geoms = geoms_of(row["geom"], colored)
        links.append(Link(row["name"], geoms, row["mass_kg"], parent, place, _joint(row)))
    points = raw.get("keypoint", [{"name": name, "link": links[0].name}])
    return Body(
        name,
        tuple(links),
        raw["free"],
        keypoints=tuple(
            Keypoint(row["name"], row["link"], tuple(row.get("pos_m", (0, 0, 0)))) for row in points
        ),
        interior=_interior(raw["interior"]) if "interior" in raw else None,
        joints_at=(0.0,) * sum(link.joint is not None for link in links),
        **{key: raw[key] for key in ("bottom_m", "top_m", "radius_m", "yaw_symmetry")},
    )


def _joint(row: dict[str, Any]) -> Joint | None:
    moves = {key: row[key] for key in _DRIVEN_BY if key in row}
    if "slide" in row:
        return Joint("slide", tuple(row["slide"]), tuple(row["range_m"]), **moves)
    if "hinge" in row:
        return Joint("hinge", tuple(row["hinge"]), tuple(row["range_rad"]), **moves)
    return None


def _interior(row: dict[str, Any]) -> Interior:
    return Interior(row["link"], geoms_of([row], {"": (0, 0, 0, 0)})[0])


def instance(name: str, of: str, pose: Pose, color: str | None = None) -> Body:
    """An object of that model: its name in the scene, where it stands, and its colour if any.

    Its joints stand at 0. The colour replaces the model's own; shapes with a `material` keep
    theirs.
    """
    body = model(of)
    own = tuple(_raw(_file(of))["color"])
    links, points = body.links, body.keypoints
    if color is not None:
        rgba = colors()[color]
        links = tuple(
            replace(
                link,
                geoms=tuple(replace(g, rgba=rgba) if g.rgba == own else g for g in link.geoms),
            )
            for link in links
        )
        points = tuple(replace(p, name=name_in_color(p.name, color)) for p in points)
    return replace(body, name=name, links=links, pose=pose, keypoints=points)


def name_in_color(keypoint: str, color: str) -> str:
    """The name of a model's keypoint in a colour: "red cube"."""
    return f"{color} {keypoint}"


@cache
def table() -> Body:
    """The table, fixed, its top at z = 0, and the floor below it, which is only seen."""
    raw = read("scenes", "tabletop.toml")
    top, floor = raw["table"], raw["floor"]
    centre = np.array(top["centre_m"])
    below = Pose(np.array(floor["centre_m"]) - centre)
    geoms = (
        Geom("box", tuple(top["size_m"]), rgba=tuple(top["color"])),
        Geom("box", tuple(floor["size_m"]), below, tuple(floor["color"]), collide=False),
    )
    return Body("table", (Link("table", geoms, 20.0),), pose=Pose(centre))


def colors() -> dict[str, Rgba]:
    """Colours that tasks may name, the benchmark's own and others'."""
    return {name: rgba for name, (rgba, _) in _colors(tuple(folders_of("envs"))).items()}


@cache
def _colors(homes: tuple[Path, ...]) -> dict[str, tuple[Rgba, Path]]:
    """Each colour of these folders' colors.toml, and the file that it is from."""
    found: dict[str, tuple[Rgba, Path]] = {}
    for path in (home / "colors.toml" for home in homes if (home / "colors.toml").is_file()):
        it, _ = opened(path)
        for name, value in it.raw.items():
            if name in found:
                it.say(name, f"the color is taken by {shown(found[name][1])}; rename it")
            found[name] = rgba(it, name, value), path
        if it.problems:
            raise UsageError("\n".join(it.problems))
    return found


def sources(models: Iterable[str], named: Iterable[str] = ()) -> list[Path]:
    """The files that these object models and colours are read from."""
    known = _colors(tuple(folders_of("envs")))
    return [*map(_file, models), *(known[color][1] for color in named)]
