"""Where a number comes from: versions, machine and settings, for a run's manifest and reader."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pi0bench.content.code_digest import code_digest
from pi0bench.content.folders import folders_of_others
from pi0bench.evaluate import policy_sources
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.machine_description import machine
from pi0bench.evaluate.task_sources import Task
from pi0bench.machine.package_versions import installed
from pi0bench.policy.policy_protocol import Policy
from pi0bench.task.variation_files import UNVARIED, digest
from pi0bench.version import version


def manifest(
    settings: Settings,
    policies: Mapping[str, Policy],
    objects: Mapping[str, Policy],
    tasks: Sequence[Task],
    command: str,
) -> dict[str, Any]:
    """Return what a run's folder must say about it.

    Args:
        settings: of the run.
        policies: all of them, loaded.
        objects: those that only this process has.
        tasks: of the run.
        command: that asked for it.
    """
    traits = {name: policy.traits for name, policy in policies.items()}
    return {
        "command": command,
        "content": folders_of_others(),
        "settings": settings.told(),
        "tasks": {task.id: task.hash for task in tasks},
        "variations": {
            name: digest(name, [task.id for task in tasks])
            for name in settings.variations
            if name not in UNVARIED
        },
        "weights": {name: trait.weights for name, trait in traits.items()},
        "roles": {name: str(trait.role) for name, trait in traits.items()},
        "modes": {name: trait.modes for name, trait in traits.items() if trait.modes},
        "packages": policy_sources.origins(settings.policies, objects),
        **software(),
        "machine": machine(settings.renderer),
    }


def software() -> dict[str, Any]:
    """Return what every result of this installation depends on: its versions, and its own code."""
    return {"versions": versions(), "code": code_digest()}


def versions() -> dict[str, str]:
    """Return the versions of everything that a result may depend on."""
    python = sys.version.split()[0]
    return {"pi0bench": version(), "python": python, **installed()}
