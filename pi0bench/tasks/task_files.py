"""Task files to frozen data, with every problem of a file told at once, each with its line."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pi0bench.content.folders import folder, task_folders
from pi0bench.content.toml_errors import Complaints
from pi0bench.errors import UsageError, unknown
from pi0bench.tasks.suites import suites
from pi0bench.tasks.task_parser import read
from pi0bench.tasks.task_spec import TaskSpec

_MAX_BYTES = 1_000_000


def task_ids() -> tuple[str, ...]:
    """Ids of every task of every suite, sorted."""
    return tuple(sorted(_paths()))


def _paths() -> dict[str, Path]:
    """Each task's file by its id, the benchmark's own and others'.

    Raises:
        UsageError: two have the same id.
    """
    found: dict[str, Path] = {}
    for path in (path for home in task_folders() for path in home.glob("*/*.toml")):
        if path.stem in found:
            raise UsageError(f"{path}: the id is taken by {found[path.stem]}; rename the file")
        found[path.stem] = path
    return found


def suite(name: str) -> tuple[TaskSpec, ...]:
    """The tasks that carry this tag, by their ids.

    Raises:
        UsageError: no suite has that name, or a task file is wrong.
    """
    if name not in suites():
        raise UsageError(unknown("suite", name, suites()))
    return tuple(spec for task_id in task_ids() if name in (spec := task(task_id)).tags)


def task(name: str) -> TaskSpec:
    """The task of that id.

    Raises:
        UsageError: no task has that id, or its file is wrong.
    """
    paths = _paths()
    if name not in paths:
        raise UsageError(unknown("task", name, paths))
    return load(paths[name])


def load(path: Path) -> TaskSpec:
    """Read one task file.

    Raises:
        UsageError: the file is wrong; one line a problem, `file:line: where: what`.
    """
    it, digest = opened(path)
    spec = read(it, path, digest)
    if spec is None:
        raise UsageError("\n".join(it.problems))
    return spec


def opened(path: Path) -> tuple[Complaints, str]:
    """A content file's TOML, ready to be complained of, and the hash of its bytes.

    Raises:
        UsageError: it cannot be read, or is no TOML.
    """
    shown = _shown(path)
    try:
        data = path.read_bytes()
        if len(data) > _MAX_BYTES:
            raise UsageError(f"{shown}: a task file has at most {_MAX_BYTES} bytes")
        text = data.decode("utf-8")
        raw: dict[str, Any] = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{shown}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{shown}: not a text file in UTF-8") from None
    except RecursionError:
        raise UsageError(f"{shown}: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and whatever Python says of huge numbers
        raise UsageError(f"{shown}:{_line_in(error)}: not TOML: {error}") from None
    return Complaints(shown, text, raw), hashlib.sha256(data).hexdigest()[:12]


def _line_in(error: ValueError) -> int:
    """The line that tomllib names in its message; 1 when it names none."""
    found = re.search(r"at line (\d+)", str(error))
    return int(found[1]) if found else 1


def _shown(path: Path) -> str:
    root = folder("tasks").parent
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def files(paths: Sequence[Path]) -> list[Path]:
    """The task files among and below the paths; all of the benchmark's when there are none."""
    if not paths:
        return sorted(folder("tasks").glob("*/*.toml"))
    found = []
    for path in paths:
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder")
        found += sorted(path.rglob("*.toml")) if path.is_dir() else [path]
    return [path for path in found if path.resolve().parent != folder("tasks")]
