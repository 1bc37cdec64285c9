"""The machine that measures, as far as a number can depend on it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from pi0bench.envs.render.choose_renderer import driver
from pi0bench.machine import processor
from pi0bench.machine.instruction_set import instructions
from pi0bench.records.resume_compatibility import differences


def machine(renderer: str) -> dict[str, str]:
    """What a manifest says of this machine; `opengl` is empty where another renderer draws."""
    return {
        "system": platform.system(),
        "processor": processor.name(),
        "model": processor.model(),
        "instructions": processor.level(),
        "pinned": instructions(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "opengl": driver(renderer),
    }


def others(manifest: Mapping[str, Any]) -> list[str]:
    """Say in what this machine differs from the one of a manifest, as far as that tells."""
    there = manifest.get("machine")
    if not isinstance(there, dict):
        return []
    here = machine(manifest.get("settings", {}).get("renderer", ""))
    return differences(there, {name: here.get(name) for name in there}, "machine")
