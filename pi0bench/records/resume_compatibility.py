"""What records rest on, as manifests say it: which may be mixed, and in what two differ."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

JOINED = ("machine", "versions")
"""What may differ within a run, of versions pi0bench's own, and then is told of all its parts."""

_AND = " and "

_BITS = {"libc", "opengl", "pinned"}
"""What of a machine the digits of its records depend on."""

_OWN = "pi0bench"
_NAMED = ("weights", "tasks", "variations", "packages")


def mixed(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Say on what two manifests' records depend in different ways; nothing if they may be mixed.

    Of policies, tasks, variations and facts of the machine those count that both name. The version
    of pi0bench counts where its code is not known to be the same: one commit may change nothing
    but words.
    """
    known = {_OWN} if there.get("code") == here.get("code") is not None else set()
    one, other = (
        {name: number for name, number in of.get("versions", {}).items() if name not in known}
        for of in (there, here)
    )
    changes = differences(one, other, "versions")
    changes += differences(there.get("code"), here.get("code"), "code")
    for field in (*_NAMED, "machine"):
        one, other = there.get(field, {}), here.get(field, {})
        both = sorted(one.keys() & other.keys() & (_BITS if field == "machine" else one.keys()))
        changes += differences({k: one[k] for k in both}, {k: other[k] for k in both}, field)
    return changes


def joined(of: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """All machines and versions of several manifests as one; each word once, sorted."""
    return {field: _joined([each.get(field, {}) for each in of]) for field in JOINED}


def _joined(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    names = sorted({name for part in parts for name in part})
    found = {name: {part[name] for part in parts if name in part} for name in names}
    words = {name: {one for text in of for one in text.split(_AND)} for name, of in found.items()}
    return {name: _AND.join(sorted(of)) for name, of in words.items()}


def differences(there: Any, here: Any, name: str = "") -> list[str]:
    """Say which settings differ, one sentence a setting, nested names joined with dots."""
    if isinstance(there, dict) and isinstance(here, dict):
        names = sorted(there.keys() | here.keys())
        return [
            change
            for key in names
            for change in differences(
                there.get(key), here.get(key), f"{name}.{key}" if name else str(key)
            )
        ]
    if there == here:
        return []
    return [f"{name or 'settings'}: {json.dumps(there)} there, {json.dumps(here)} here"]
