"""Digests of all code and content that decides what a record, or a demonstration, says."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from pi0bench.content.folders import PACKAGE, root

_DECIDES = (
    *("errors.py", "policy_role.py", "random_streams.py", "training_names.py"),
    "machine/instruction_set.py",
    *("files/json_lines.py", "records/record.py"),
    *("content", "envs", "evaluate", "gym", "openpi", "policy", "robosuite", "task"),
)
"""What of the package is loaded to measure an episode; pages, training and commands are not."""

_DEMONSTRATES = (
    *("task/expert", "robosuite/experts.py"),
    *("data/pushes.py", "data/record_demonstrations.py"),
)
"""What of the package decides what is demonstrated, beside the tasks, which have hashes."""

_CONTENT = ("envs/**/*.toml", "tasks/paraphrases.toml")
"""What of the content no cell names by a hash of its own."""

_REPORTED = "envs/devices"
"""Of that, what only pages look at."""


@functools.cache
def code_digest() -> str:
    """Hash all files that decide what a record says, 12 hex digits.

    A commit would not do: it changes with every word of a page, and a wheel has none; nor does it
    tell two sets of changes that nobody has committed from each other.
    """
    content = (path for line in _CONTENT for path in root().glob(line))
    pages = root() / _REPORTED
    told = {path.relative_to(root()): path for path in content if pages not in path.parents}
    return _digest(_sources(_DECIDES) | told)


@functools.cache
def expert_digest() -> str:
    """Hash all code that decides what the scripted experts demonstrate, 12 hex digits."""
    return _digest(_sources(_DEMONSTRATES))


def _sources(names: Sequence[str]) -> dict[Path, Path]:
    """Files of the package by their names in it."""
    found = (path for name in names for path in _python(PACKAGE / name))
    return {path.relative_to(PACKAGE): path for path in found}


def _digest(files: Mapping[Path, Path]) -> str:
    sha = hashlib.sha256()
    for name, path in sorted((name.as_posix(), path) for name, path in files.items()):
        sha.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return sha.hexdigest()[:12]


def _python(path: Path) -> list[Path]:
    return [path] if path.is_file() else list(path.rglob("*.py"))
