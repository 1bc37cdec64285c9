"""Turns the table of objects of a task file into `ObjectSpec`s."""

from __future__ import annotations

import re
from typing import Any

from pi0bench.content.toml_errors import Complaints, brief
from pi0bench.envs import content_models
from pi0bench.envs.panda_kinematics import panda
from pi0bench.errors import unknown
from pi0bench.task.task_place_parser import check_carriers, read_place
from pi0bench.task.task_spec import ObjectSpec

NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_ITEM = ("model", "color", "place", "side")


def read_objects(it: Complaints, raw: Any) -> tuple[ObjectSpec, ...]:
    """The objects of a task file's table `objects`."""
    items = []
    for name, row in it.table("objects", raw, "a table of objects").items():
        where = f"objects.{name}"
        if not NAME.fullmatch(name) or name in taken():
            it.say(where, "a name has small letters, digits and _, and is not the robot's")
        if not it.expect(where, row, dict, "a table"):
            continue
        it.keys(where, row, _ITEM, required=("model", "place"))
        model = row.get("model", "")
        if "model" in row:
            it.one_of(f"{where}.model", model, "object model", content_models.names())
        side = row.get("side", "")
        if side not in ("", "left", "right"):
            it.say(f"{where}.side", f"must be left or right; got {brief(side)}")
        colors, like = _colors(it, f"{where}.color", row.get("color", []), list(raw))
        place = read_place(it, name, raw)
        items.append(ObjectSpec(name, brief(model), place, colors, like, brief(side)))
    check_carriers(it, {item.name: item.place for item in items})
    return tuple(items)


def _colors(it: Complaints, where: str, raw: Any, names: list[str]) -> tuple[tuple[str, ...], str]:
    """The colours to draw from, or the name of the object that has the same one."""
    if isinstance(raw, str) and raw.endswith(".color"):
        like = raw.removesuffix(".color")
        if like not in names:
            it.say(where, unknown("object", brief(like), names))
        elif not isinstance(it.raw["objects"][like], dict) or not isinstance(
            it.raw["objects"][like].get("color"), list
        ):
            it.say(where, f"{like} has no list of colours of its own to share")
        return (), like
    colors = it.texts(where, [raw] if isinstance(raw, str) else raw, "a colour or a list of them")
    for color in colors:
        it.one_of(where, color, "color", content_models.colors())
    return colors, ""


def taken() -> set[str]:
    """Names in a scene that are not a task's to give."""
    return {"table", "panda", *(link.name for link in panda().body.links)}
