"""What may be wrong in a file of an object model: told all at once, each with its line."""

from __future__ import annotations

import math
from typing import Any

from pi0bench.content.toml_errors import Complaints

_SIZES = {
    "box": (3, "half extents [x, y, z]"),
    "cylinder": (2, "[radius, half length]"),
    "capsule": (2, "[radius, half length]"),
    "sphere": (1, "[radius]"),
}
"""How many numbers a shape's size has, and what they are: see `pi0bench.envs.scene.Geom`."""

_NUMBERS = {"bottom_m": (0, 1), "top_m": (0, 1), "radius_m": (0, 0.5), "yaw_symmetry": (0, 360)}
_REQUIRED = ("free", *_NUMBERS, "color", "link")
_DRIVE = {"damping": (0, 1e4), "friction": (0, 1e4), "stiffness": (0, 1e6), "rest": (-1, 1)}
_JOINTS = {"slide": "range_m", "hinge": "range_rad"}
"""A kind of joint, whose value is its axis, and the key of its range."""
_PLACE = ("pos_m", "rpy_deg", "parent")
_LINK = ("name", "mass_kg", "geom", *_PLACE, *_JOINTS, *_JOINTS.values(), *_DRIVE, "drive")
_PLACED = ("shape", "size_m", "pos_m", "rpy_deg")
_GEOM = (*_PLACED, "material", "friction", "collide", "ring", "grid")


def check(it: Complaints) -> None:
    """Complain of all that is wrong with an object's table."""
    raw = it.raw
    it.keys("", raw, (*_REQUIRED, "keypoint", "interior", "material"), required=_REQUIRED)
    it.expect("free", raw.get("free", True), bool, "true or false")
    for key in _NUMBERS.keys() & raw.keys():
        it.number(key, raw[key], *_NUMBERS[key])
    it.expect("yaw_symmetry", raw.get("yaw_symmetry", 0), int, "a whole number")
    if "color" in raw:
        rgba(it, "color", raw["color"])
    materials = it.table("material", raw.get("material", {}))
    for name, value in materials.items():
        rgba(it, f"material.{name}", value)
    links: list[str] = []
    for i, row in enumerate(rows := _rows(it, "link", raw.get("link", [{}]))):
        links.append(_link(it, f"link.{i}", row, links, list(materials)))
    if raw.get("free") is True and any(kind in row for row in rows for kind in _JOINTS):
        it.say("link", "an object that has joints cannot be free")
    for i, row in enumerate(_rows(it, "keypoint", raw.get("keypoint", [{}]))):
        if row:
            it.keys(f"keypoint.{i}", row, ("name", "link", "pos_m"), required=("name", "link"))
            it.expect(f"keypoint.{i}.name", row.get("name", ""), str, "text")
            _on(it, f"keypoint.{i}", row, links)
    if "interior" in raw and (row := it.table("interior", raw["interior"])):
        it.keys("interior", row, ("link", *_PLACED), required=("link", "shape", "size_m"))
        _on(it, "interior", row, links)
        _placed(it, "interior", row, ("box", "cylinder"))


def rgba(it: Complaints, where: str, value: Any) -> tuple[float, float, float, float]:
    """A colour; a complaint when it is none."""
    r, g, b, a = it.numbers(where, value, "[red, green, blue, opacity], each from 0 to 1", 4, 0, 1)
    return r, g, b, a


def _link(
    it: Complaints, where: str, row: dict[str, Any], before: list[str], materials: list[str]
) -> str:
    """Complain of a link, which may hang on those before it, and return its name."""
    it.keys(where, row, _LINK, required=("name", "mass_kg", "geom"))
    it.expect(f"{where}.name", row.get("name", ""), str, "text")
    if row.get("name") in before:
        it.say(f"{where}.name", f"there is a link {row['name']!r} already; rename it")
    if "mass_kg" in row:
        it.number(f"{where}.mass_kg", row["mass_kg"], 1e-4, 100)
    _place(it, where, row)
    if "parent" in row:
        it.one_of(f"{where}.parent", row["parent"], "link before it", before)
    if not before and any(key in row for key in (*_PLACE, *_JOINTS)):
        it.say(where, "the first link is the object's root, which has no place and no joint")
    _joint(it, where, row)
    for key in _DRIVE.keys() & row.keys():
        it.number(f"{where}.{key}", row[key], *_DRIVE[key])
    for i, geom in enumerate(_rows(it, f"{where}.geom", row.get("geom", [{}]))):
        if geom:
            _geom(it, f"{where}.geom.{i}", geom, materials)
    return str(row.get("name", ""))


def _joint(it: Complaints, where: str, row: dict[str, Any]) -> None:
    """Complain of a link's joint."""
    if "slide" in row and "hinge" in row:
        it.say(where, 'has one joint: either "slide" or "hinge"')
    for kind, bounds in _JOINTS.items():
        if (kind in row) != (bounds in row):
            it.say(where, f'a joint has "{kind}", its axis, and "{bounds}"')
        axis = it.vector(f"{where}.{kind}", row.get(kind, [0, 0, 1]))
        if abs(math.hypot(*axis) - 1) > 1e-6 and kind in row:
            it.say(f"{where}.{kind}", f"must be an axis of length 1; got {row[kind]}")
        it.range(f"{where}.{bounds}", row.get(bounds, [0, 0]), -4, 4)
    moved_by = [key for key in (*_DRIVE, "drive") if key in row]
    if moved_by and not any(kind in row for kind in _JOINTS):
        it.say(where, f'"{moved_by[0]}" is of a joint: it needs "slide" or "hinge"')
    if "drive" in row:
        it.one_of(f"{where}.drive", row["drive"], "drive", ("carriage", "belt"))
        if "slide" not in row:
            it.say(f"{where}.drive", 'only what slides is driven: it needs "slide"')


def _geom(it: Complaints, where: str, row: dict[str, Any], materials: list[str]) -> None:
    it.keys(where, row, _GEOM, required=("shape", "size_m"))
    _placed(it, where, row, tuple(_SIZES))
    if "material" in row:
        it.one_of(f"{where}.material", row["material"], "material", materials)
    it.number(f"{where}.friction", row.get("friction", 1), 0, 10)
    it.expect(f"{where}.collide", row.get("collide", True), bool, "true or false")
    if it.expect(f"{where}.ring", row.get("ring", 1), int, "a whole number"):
        it.number(f"{where}.ring", row.get("ring", 1), 1, 100)
    if "grid" in row:
        cells = it.numbers(f"{where}.grid", row["grid"], "[cells along x, along y]", 2, 1, 20)
        if any(count % 1 for count in cells):
            it.say(f"{where}.grid", f"must be whole numbers; got {row['grid']}")
        if "ring" in row:
            it.say(where, 'has either "grid" or "ring"')
        if row.get("shape") != "box":
            it.say(f"{where}.grid", "only a box is divided into cells")


def _placed(it: Complaints, where: str, row: dict[str, Any], shapes: tuple[str, ...]) -> None:
    """Complain of a primitive's shape, size and place."""
    shape = row.get("shape", shapes[0])
    it.one_of(f"{where}.shape", shape, "shape", shapes)
    if shape in shapes and "size_m" in row:
        count, words = _SIZES[shape]
        it.numbers(f"{where}.size_m", row["size_m"], words, count, 1e-4, 1)
    _place(it, where, row)


def _place(it: Complaints, where: str, row: dict[str, Any]) -> None:
    """Complain of where something is on its link or parent."""
    it.vector(f"{where}.pos_m", row.get("pos_m", [0, 0, 0]))
    angles = row.get("rpy_deg", [0, 0, 0])
    it.numbers(f"{where}.rpy_deg", angles, "[roll, pitch, yaw]", 3, -360, 360)


def _on(it: Complaints, where: str, row: dict[str, Any], links: list[str]) -> None:
    """Complain of a place on a link that is none."""
    it.vector(f"{where}.pos_m", row.get("pos_m", [0, 0, 0]))
    if "link" in row:
        it.one_of(f"{where}.link", row["link"], "link", links)


def _rows(it: Complaints, where: str, value: Any) -> list[dict[str, Any]]:
    """The tables of a list; what is none is complained of, and stands as an empty one."""
    if value == []:
        it.empty(where)
    rows = value if it.expect(where, value, list, "a list of tables") else []
    return [it.table(f"{where}.{i}", row) for i, row in enumerate(rows)]
