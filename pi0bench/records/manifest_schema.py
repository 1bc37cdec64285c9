"""What a manifest must look like, so that whoever reads it need not ask at each word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_WORDS = {
    "a text": lambda v: isinstance(v, str),
    "a number from 0": lambda v: type(v) is int and v >= 0,
    "a list of numbers from 0": lambda v: (
        isinstance(v, list) and all(type(e) is int and e >= 0 for e in v)
    ),
    "true or false": lambda v: isinstance(v, bool),
    "an object": lambda v: isinstance(v, dict),
    "a list of texts": lambda v: isinstance(v, list) and all(isinstance(e, str) for e in v),
    "an object of texts": lambda v: (
        isinstance(v, dict) and all(isinstance(e, str) for e in v.values())
    ),
    "an object of policies, tasks, modes and counts": lambda v: _counts(v, 3),
}

_SHAPE = {
    "command": "a text",
    "grown": "a list of numbers from 0",
    "plan": "a text",
    "planned": "a number from 0",
    "settings": "an object",
    "settings.policies": "a list of texts",
    "settings.tasks": "a list of texts",
    "settings.variations": "a list of texts",
    "settings.engine": "a text",
    "settings.renderer": "a text",
    "settings.episodes": "a number from 0",
    "settings.seed": "a number from 0",
    "settings.stop_early": "true or false",
    "settings.clocks": "a list of texts",
    "settings.delays": "a list of numbers from 0",
    "settings.executes": "a list of numbers from 0",
    "settings.rates": "a list of numbers from 0",
    "settings.coarsens": "a list of numbers from 0",
    "settings.looks": "a list of texts",
    "stopped": "an object",
    "stopped.episodes": "a number from 0",
    "stopped.plan": "a text",
    "shard": "a text",
    "versions": "an object of texts",
    "machine": "an object",
    "machine.system": "a text",
    "machine.processor": "a text",
    "weights": "an object of texts",
    "tasks": "an object of texts",
    "variations": "an object of texts",
    "packages": "an object of texts",
    "modes": "an object of policies, tasks, modes and counts",
}

PLANNED = ("settings", "settings.tasks", "settings.episodes")
"""Without which nobody knows what there was to be."""

NEEDED = (
    *("command", "plan", *PLANNED, "settings.engine", "settings.renderer", "settings.seed"),
    *("versions", "machine", "machine.system", "machine.processor"),
)
"""Without which no page can say how a run was measured."""


def wrong(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is there and not of its kind, a sentence each."""
    for name, kind in _SHAPE.items():
        found, value = _look(manifest, name)
        if found and not _WORDS[kind](value):
            yield f"{name}: expected {kind}, got {str(value)[:60]!r}"


def lacking(manifest: Mapping[str, Any], needed: Sequence[str] = NEEDED) -> list[str]:
    """Return the names of what is needed and is not there."""
    return [name for name in needed if not _look(manifest, name)[0]]


def _look(manifest: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    """Whether a dotted name is there, and what it is."""
    value: Any = manifest
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return False, None
        value = value[part]
    return True, value


def _counts(value: Any, depth: int) -> bool:
    if depth == 0:
        return type(value) is int and value >= 0
    return isinstance(value, dict) and all(_counts(inner, depth - 1) for inner in value.values())
