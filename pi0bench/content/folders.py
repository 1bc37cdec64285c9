"""Where the benchmark's content lies: robots and scenes, tasks, trained policies, results."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pi0bench.errors import MachineError, UsageError

Kind = Literal["envs", "tasks", "policies", "results"]

BRINGS: tuple[Kind, ...] = ("envs", "tasks", "policies")
"""What a folder of others may bring."""

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


def folders_of(kind: Kind) -> list[Path]:
    """The folders of one kind of content: the benchmark's own, then those of others that have it.

    Others' are found without importing anything of theirs.

    Raises:
        UsageError: a folder of others is not there, or holds no content.
    """
    return [folder(kind), *(home / kind for home in _others() if (home / kind).is_dir())]


def files_of(kind: Kind, pattern: str, *, parents: bool = False) -> dict[str, Path]:
    """Files of content by their ids, the benchmark's own and others'.

    Args:
        kind: of content.
        pattern: of their paths below a folder of that kind, such as `objects/*.toml`.
        parents: whether the id is the name of the folder that a file is in, not the file's stem.

    Raises:
        UsageError: two have the same id.
    """
    found: dict[str, Path] = {}
    for path in (path for home in folders_of(kind) for path in sorted(home.glob(pattern))):
        name = path.parent.name if parents else path.stem
        if name in found:
            raise UsageError(f'{path}: the id "{name}" is taken by {found[name]}; rename one')
        found[name] = path
    return found


def shown(path: Path) -> str:
    """A content file as errors name it: the benchmark's own from where its content lies."""
    home = root()
    return str(path.relative_to(home)) if path.is_relative_to(home) else str(path)


def with_others(digest: str, paths: Iterable[Path]) -> str:
    """The digest, 12 hex digits, changed by what is in those of the files that are others'.

    The benchmark's own files count in `pi0bench.version.code`.
    """
    home = root()
    data = b"".join(path.read_bytes() for path in sorted(set(paths)) if home not in path.parents)
    return hashlib.sha256(digest.encode() + data).hexdigest()[:12] if data else digest


def _others() -> list[Path]:
    found = [*map(Path, folders_of_others()), *map(_located, _plugins())]
    for path in found:
        if not any((path / kind).is_dir() for kind in BRINGS):
            wanted = ", ".join(BRINGS)
            paths = "; paths of files come after --" if path.is_file() else ""
            raise UsageError(
                f"{path}: is no folder of content; it must hold one of {wanted}{paths}"
            )
    return found


@functools.cache
def _plugins() -> tuple[str, ...]:
    """What the installed packages' entry points name, read once: it takes long."""
    return tuple(sorted(entry_point.value for entry_point in entry_points(group=PLUGINS)))


@functools.cache
def _located(value: str) -> Path:
    """The folder of a package, or of something in it, such as `mine.content`."""
    package, *below = value.split(".")
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise UsageError(f"{value}: no package of that name holds content for {PLUGINS}")
    return Path(places[0], *below)
