"""Tables of TOML as keyword arguments: every key that is unknown, missing or of another type."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")

_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    bool: "true or false",
}


def problems(
    table: Mapping[str, Any], schema: Callable[..., Any], where: str = ""
) -> Iterator[tuple[str, str]]:
    """What is wrong with a table: dotted places, and what is wrong there.

    Args:
        table: its keys are keywords of the schema.
        schema: a dataclass; or something else, whose keyword-only parameters of TOML's types count.
        where: the table stands.
    """
    known = _parameters(schema)
    for key, value in table.items():
        place = f"{where}.{key}".lstrip(".")
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"
            yield place, f"unknown key; {hint}"
            continue
        kind = known[key][0]
        if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, dict):
            yield from problems(value, kind, place)
        elif not _fits(value, kind):
            yield place, f"must be {_words(kind)}; got {str(value)[:60]}"
    for key, (_, required) in known.items():
        if required and key not in table:
            yield where or key, f'"{key}" is missing'


def build(schema: Callable[..., T], table: Mapping[str, Any]) -> T:
    """The dataclass of a table that has no problems."""
    known = _parameters(schema)
    return schema(**{key: _value(value, known[key][0]) for key, value in table.items()})


def _value(value: Any, kind: Any) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        return build(kind, value)
    return tuple(value) if isinstance(value, list) else value


def _parameters(schema: Callable[..., Any]) -> dict[str, tuple[Any, bool]]:
    """Each keyword's type, and whether it must be given."""
    hints = get_type_hints(schema.__init__ if isinstance(schema, type) else schema)
    found = {}
    for name, parameter in inspect.signature(schema).parameters.items():
        kind = _plain(hints.get(name))
        if is_dataclass(schema) or (parameter.kind is parameter.KEYWORD_ONLY and kind in _WORDS):
            found[name] = kind, parameter.default is parameter.empty
    return found


def _plain(hint: Any) -> Any:
    """The type of what is either of it or None."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if NoneType in get_args(hint) and len(kinds) == 1 else hint


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) is tuple:
        return isinstance(value, list) and all(_fits(item, get_args(kind)[0]) for item in value)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind in _WORDS:
        return type(value) is kind
    return isinstance(value, dict)


def _words(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"a list, each {_words(get_args(kind)[0])}"
    return _WORDS.get(kind, "a table")
