"""Turns what a task file says of where an object starts into a `Place`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pi0bench.content.toml_errors import Complaints, Range, brief
from pi0bench.envs import content_models
from pi0bench.envs.scene import Body
from pi0bench.task.object_needs import unlike
from pi0bench.task.task_spec import Place

_ON = ("on", "within")
_SIGNED = ("roll_deg", "speed_m_s")
_JOINTS = {"slide": "joint_m", "hinge": "joint_rad"}
_WHERE = ("x_m", "y_m", "z_m")
_KEYS = (*_WHERE, *_SIGNED, "yaw_deg", *_JOINTS.values(), "either_way", *_ON, "apart_m")
_NOWHERE = Place((0, 0), (0, 0))


def read_place(it: Complaints, name: str, rows: Mapping[str, Any]) -> Place:
    """Where the object of that name starts; `rows` are the tables of all objects."""
    where, raw = f"objects.{name}.place", rows[name].get("place")
    if raw is None or not it.expect(where, raw, dict, "a table"):
        return _NOWHERE
    model = _model(rows[name])
    given = {"on": ("z_m",), "within": _WHERE}
    base = next((key for key in _ON if key in raw), "")
    needed = [key for key in ("x_m", "y_m") if key not in given.get(base, ())]
    it.keys(where, raw, _KEYS, required=tuple(needed))
    if base:
        _carried(it, where, raw, base, rows)
        for key in (key for key in given[base] if key in raw):
            it.say(f"{where}.{key}", f'"{base}" says it already')
    if "roll_deg" in raw and "z_m" not in raw:
        it.say(f"{where}.roll_deg", 'what is rolled needs "z_m", the height of its frame')
    driven = model is None or any(joint.drive for joint in model.joints)
    if "speed_m_s" in raw and not driven:
        it.say(f"{where}.speed_m_s", f"nothing drives a {brief(rows[name]['model'])}")
    return Place(
        it.range(f"{where}.x_m", raw.get("x_m", [0.5, 0.5]), 0.25, 0.75),
        it.range(f"{where}.y_m", raw.get("y_m", [0, 0]), -0.40, 0.40),
        it.range(f"{where}.z_m", raw["z_m"], 0, 0.5) if "z_m" in raw else None,
        it.range(f"{where}.roll_deg", raw.get("roll_deg", [0, 0]), -180, 180),
        it.range(f"{where}.yaw_deg", raw.get("yaw_deg", [0, 0]), -180, 180),
        _joint_at(it, where, raw, model),
        it.range(f"{where}.speed_m_s", raw.get("speed_m_s", [0, 0]), -0.5, 0.5),
        _either_way(it, f"{where}.either_way", raw),
        brief(raw.get("on", "")),
        brief(raw.get("within", "")),
        it.number(f"{where}.apart_m", raw["apart_m"], 0, 0.5) if "apart_m" in raw else None,
    )


def check_carriers(it: Complaints, places: Mapping[str, Place]) -> None:
    """Complain of objects that carry themselves, and of containers that start with two things."""
    full: dict[str, str] = {}
    for name, place in places.items():
        where = f"objects.{name}.place.{'on' if place.on else 'within'}"
        chain = [name]
        while chain[-1] in places and (base := places[chain[-1]].base) and base not in chain:
            chain.append(base)
        if places.get(chain[-1], _NOWHERE).base == name:
            it.say(where, f"{name} would carry itself: {', '.join([*chain, name])}")
        if place.within in full:
            it.say(where, f"{full[place.within]} starts in {place.within} already")
        elif place.within:
            full[place.within] = name


def _carried(
    it: Complaints, where: str, raw: dict[str, Any], key: str, rows: Mapping[str, Any]
) -> None:
    """Complain of what an object cannot start on or within."""
    base = it.one_of(f"{where}.{key}", raw[key], "object", list(rows))
    if all(key in raw for key in _ON):
        it.say(where, 'it starts "on" something or "within" it, not both')
    body = _model(rows[base]) if key == "within" and base in rows else None
    if body is not None and (problem := unlike("container", base, body)):
        it.say(f"{where}.{key}", problem)


def _joint_at(it: Complaints, where: str, raw: dict[str, Any], model: Body | None) -> Range:
    """Where the object's first joint starts."""
    joint = next(iter(model.joints if model else ()), None)
    right = _JOINTS[joint.kind] if joint else ""
    for key in (key for key in _JOINTS.values() if key in raw and model and key != right):
        what = f'has a {joint.kind}: say "{right}"' if joint else "has no joint"
        it.say(f"{where}.{key}", f"{model.name} {what}" if model else what)
    if joint is None or right not in raw:
        return 0.0, 0.0
    return it.range(f"{where}.{right}", raw[right], *joint.range)


def _either_way(it: Complaints, where: str, raw: dict[str, Any]) -> tuple[str, ...]:
    """The ranges whose sign is drawn."""
    keys = it.texts(where, raw.get("either_way", []), "a list of keys beside it")
    for i, key in enumerate(keys):
        it.one_of(f"{where}.{i}", key, "range beside it", [key for key in _SIGNED if key in raw])
    return keys


def _model(row: Any) -> Body | None:
    """The object's model, if it names one."""
    name = row.get("model") if isinstance(row, dict) else None
    return content_models.model(name) if name in content_models.names() else None
