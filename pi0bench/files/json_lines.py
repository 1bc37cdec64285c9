"""Dataclasses as lines of JSON: written one way, read back strictly."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

_ACCEPTED: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "float | None": (float, int, type(None)),
    "int | None": (int, type(None)),
}

_MOST = 2**63 - 1


def dump(data: dict[str, Any]) -> str:
    """Write `data` as one compact line; NaN and infinity are refused, for JSON has neither."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def load(line: str) -> dict[str, Any]:
    """Read one line; ValueError says what is wrong."""
    try:
        data = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(data, dict):
        raise ValueError("not a JSON object")
    return data


def fields_of(cls: type, data: dict[str, Any], where: str = "") -> dict[str, Any]:
    """Return `data` if it has exactly the fields of the dataclass `cls`, of the right types.

    Args:
        cls: a dataclass whose module has postponed annotations; fields of other types than
            str, int, float and float | None are left to the caller.
        data: the fields as read.
        where: what the error puts before a field's name.
    """
    types = {field.name: str(field.type) for field in dataclasses.fields(cls)}
    if data.keys() != types.keys():
        missing, extra = sorted(types.keys() - data.keys()), sorted(data.keys() - types.keys())
        raise ValueError(f"{where}fields: missing {missing}, unknown {extra}")
    for name, value in data.items():
        accepted = _ACCEPTED.get(types[name])
        if accepted and type(value) not in accepted:
            raise ValueError(f"{where}{name}: {value!r} is not {types[name]}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{where}{name}: {value} is not finite")
        if isinstance(value, int) and abs(value) > _MOST:
            raise ValueError(f"{where}{name}: a number of {len(str(value))} digits")
    return data
