"""Where the benchmark's content lies: robots and scenes, tasks, trained policies, results."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pi0bench.errors import MachineError

Kind = Literal["envs", "tasks", "policies", "results"]

PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """Find the folder that holds all content: the wheel's own, or else the checkout.

    Raises:
        MachineError: the package lies in neither a wheel's install nor a checkout.
    """
    installed = PACKAGE / "_content"
    if installed.is_dir():
        return installed
    checkout = PACKAGE.parent
    # Site-packages may hold a stranger's `tasks`, hence the second condition.
    if (checkout / "tasks").is_dir() and (checkout / "pyproject.toml").is_file():
        return checkout
    raise MachineError(
        f"{installed}: no benchmark content, and {checkout} is no checkout of pi0bench; "
        'reinstall with "pip install --force-reinstall --no-deps" from the wheel or the checkout'
    )


def folder(kind: Kind) -> Path:
    """Find the folder of one kind of content; `results` is absent until some are published."""
    return root() / kind
