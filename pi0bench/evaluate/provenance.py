"""Where a number comes from: versions, machine and settings, for a run's manifest and reader."""

from __future__ import annotations

import dataclasses
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pi0bench
from pi0bench.content import folders_of_others
from pi0bench.envs.variation import NOMINAL, digest
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.sources import Task
from pi0bench.policies import registry
from pi0bench.policies.policy import Traits
from pi0bench.version import code

_PACKAGES = ("torch", "mujoco", "pybullet", "numpy", "zuko")


def manifest(
    settings: Settings, traits: Mapping[str, Traits], tasks: Sequence[Task], command: str
) -> dict[str, Any]:
    """Return what a run's folder must say about it."""
    return {
        "command": command,
        "content": folders_of_others(),
        "settings": dataclasses.asdict(settings),
        "tasks": {task.id: task.hash for task in tasks},
        "variations": {name: digest(name) for name in settings.variations if name != NOMINAL.name},
        "weights": {name: trait.weights for name, trait in traits.items()},
        "modes": {name: trait.modes for name, trait in traits.items() if trait.modes},
        "packages": {n: o for n, o in registry.origins().items() if n in settings.policies},
        **software(),
        "machine": {"system": platform.system(), "processor": _processor()},
    }


def _processor() -> str:
    """The processor's name, where the system tells it, else its architecture."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.machine()


def software() -> dict[str, Any]:
    """Return what every result of this installation depends on: its versions, and its own code."""
    return {"versions": versions(), "code": code()}


def versions() -> dict[str, str]:
    """Return the versions of everything that a result may depend on."""
    found = {name: _version(name) for name in _PACKAGES}
    return {"pi0bench": pi0bench.__version__, "python": sys.version.split()[0], **found}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
