"""Where the benchmark's content lies: robots and scenes, tasks, trained policies, results."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pi0bench.errors import MachineError, UsageError

Kind = Literal["envs", "tasks", "policies", "results"]

EXTRA = "PI0BENCH_CONTENT"
"""The environment variable with more folders of content, as PATH has them; workers inherit it."""

PLUGINS = "pi0bench.content"
"""The group of entry points whose values name a package, or a folder in it, that is content."""

PACKAGE = Path(__file__).resolve().parents[1]


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


def folders_of_others() -> list[str]:
    """The folders of content that were added."""
    return [name for name in os.environ.get(EXTRA, "").split(os.pathsep) if name]


def add_folders(paths: Iterable[Path]) -> None:
    """Add folders of content, for this process and those that it starts."""
    named = [*folders_of_others(), *(str(p.resolve()) for p in paths)]
    os.environ[EXTRA] = os.pathsep.join(dict.fromkeys(named))


def task_folders() -> list[Path]:
    """The folders of tasks: the benchmark's own, then those of others.

    Others' are found without importing anything of theirs.

    Raises:
        UsageError: a folder of others holds neither tasks nor policies, or is not there.
    """
    folders = [*map(Path, folders_of_others()), *map(_located, _plugins())]
    for path in folders:
        if not any((path / kind).is_dir() for kind in ("tasks", "policies")):
            raise UsageError(f"{path}: holds no folder tasks with folders of task files in it")
    return [folder("tasks"), *(path / "tasks" for path in folders)]


@functools.cache
def _plugins() -> tuple[str, ...]:
    """What the installed packages' entry points name, read once: it takes long."""
    return tuple(sorted(entry_point.value for entry_point in entry_points(group=PLUGINS)))


def _located(value: str) -> Path:
    """The folder of a package, or of something in it, such as `mine.content`."""
    package, *below = value.split(".")
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise UsageError(f"{value}: no package of that name holds content for {PLUGINS}")
    return Path(places[0], *below)
