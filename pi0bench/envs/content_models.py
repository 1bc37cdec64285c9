"""Reads the content files from which scenes are built: robots, objects, table and cameras."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from pi0bench.content.folders import folder
from pi0bench.envs.pose import Pose, from_rpy
from pi0bench.envs.scene import Body, Geom, Joint, Link, Mark, Rgba, Room
from pi0bench.errors import UsageError, unknown


@cache
def read(*path: str) -> dict[str, Any]:
    """The parsed content file envs/`path`."""
    return tomllib.loads(folder("envs").joinpath(*path).read_text("utf-8"))


def geoms_of(rows: list[dict[str, Any]], looks: dict[str, Rgba]) -> tuple[Geom, ...]:
    """Geoms from their table rows; a row with `ring = n` stands n times about the z axis."""
    geoms = []
    for row in rows:
        pose = from_rpy(row.get("pos_m", (0, 0, 0)), np.radians(row.get("rpy_deg", (0, 0, 0))))
        for turn in range(count := row.get("ring", 1)):
            around = from_rpy((0, 0, 0), (0, 0, 2 * np.pi * turn / count))
            geoms.append(
                Geom(
                    shape=row["shape"],
                    size_m=tuple(float(x) for x in row["size_m"]),
                    pose=around @ pose,
                    rgba=looks[row.get("look", "")],
                    friction=row.get("friction", 1.0),
                    collide=row.get("collide", True),
                )
            )
    return tuple(geoms)


@cache
def names() -> tuple[str, ...]:
    """The models that tasks may name, sorted."""
    return tuple(sorted(path.stem for path in folder("envs").glob("objects/*.toml")))


@cache
def model(name: str) -> Body:
    """The object model of that name, standing at the origin in its own colour.

    Raises:
        UsageError: there is none.
    """
    if name not in names():
        raise UsageError(unknown("object model", name, names()))
    raw = read("objects", f"{name}.toml")
    looks = {key: tuple(rgba) for key, rgba in raw.get("look", {}).items()}
    colored = {"": tuple(raw["color"]), **looks}
    links: list[Link] = []
    for row in raw["link"]:
        root = links[0].name if links else None
        place = Pose(np.array(row.get("pos_m", (0, 0, 0)), float))
        geoms = geoms_of(row["geom"], colored)
        links.append(Link(row["name"], geoms, row["mass_kg"], root, place, _joint(row)))
    marks = raw.get("mark", [{"name": name, "link": links[0].name}])
    return Body(
        name,
        tuple(links),
        raw["free"],
        marks=tuple(
            Mark(row["name"], row["link"], tuple(row.get("pos_m", (0, 0, 0)))) for row in marks
        ),
        room=_room(raw["room"]) if "room" in raw else None,
        **{key: raw[key] for key in ("rest_m", "top_m", "radius_m", "turns")},
    )


def _joint(row: dict[str, Any]) -> Joint | None:
    if "slide" not in row:
        return None
    drive = {key: row[key] for key in ("damping", "friction", "stiffness", "rest") if key in row}
    return Joint("slide", tuple(row["slide"]), tuple(row["range_m"]), **drive)


def _room(row: dict[str, Any]) -> Room:
    return Room(row["link"], geoms_of([row], {"": (0, 0, 0, 0)})[0])


def instance(name: str, of: str, pose: Pose, color: str | None = None, joint_at: float = 0) -> Body:
    """An object of that model: its name in the scene, where it stands, and its colour if any.

    The colour replaces the model's own; shapes with a `look` keep theirs.
    """
    body = model(of)
    own = tuple(read("objects", f"{of}.toml")["color"])
    links, marks = body.links, body.marks
    if color is not None:
        rgba = colors()[color]
        links = tuple(
            replace(
                link,
                geoms=tuple(replace(g, rgba=rgba) if g.rgba == own else g for g in link.geoms),
            )
            for link in links
        )
        marks = tuple(replace(mark, look=look_of(mark.look, color)) for mark in marks)
    return replace(body, name=name, links=links, pose=pose, marks=marks, joint_at=joint_at)


def look_of(mark: str, color: str) -> str:
    """What a model's mark looks like in a colour: "red cube"."""
    return f"{color} {mark}"


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


@cache
def colors() -> dict[str, Rgba]:
    """Colours that tasks may name."""
    return {name: tuple(rgba) for name, rgba in read("scenes", "tabletop.toml")["colors"].items()}
