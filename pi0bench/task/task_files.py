"""Task files to frozen data, with every problem of a file told at once, each with its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pi0bench.content.folders import files_of, folders_of, with_others
from pi0bench.content.toml_files import opened
from pi0bench.envs import content_models
from pi0bench.errors import UsageError, unknown
from pi0bench.task.suites import ALL, suites
from pi0bench.task.task_parser import read
from pi0bench.task.task_spec import TaskSpec

_FOREIGN = ("robosuite",)
"""Folders of tasks of other libraries, whose files are read there."""
_BESIDE = ("paraphrases.toml", "suites.toml")
"""What lies beside the folders of tasks."""


def task_ids() -> tuple[str, ...]:
    """Ids of every task of every suite, sorted."""
    return tuple(sorted(_paths()))


def _paths() -> dict[str, Path]:
    """Each task's file by its id, the benchmark's own and others'.

    Raises:
        UsageError: two have the same id, or a file lies beside the folders of tasks.
    """
    for home in folders_of("tasks")[1:]:
        if loose := sorted({*home.glob("*.toml")} - {home / name for name in _BESIDE}):
            at = home / "any" / loose[0].name
            raise UsageError(f"{loose[0]}: a task lies in a folder of {home}; move it to {at}")
    found = files_of("tasks", "*/*.toml")
    return {name: path for name, path in found.items() if path.parent.name not in _FOREIGN}


def suite(name: str) -> tuple[TaskSpec, ...]:
    """The tasks that carry this tag, by their ids; of `all`, every task.

    Raises:
        UsageError: no suite has that name, or a task file is wrong.
    """
    if name not in suites():
        raise UsageError(unknown("suite", name, suites()))
    specs = [task(task_id) for task_id in task_ids()]
    return tuple(spec for spec in specs if name == ALL or name in spec.tags)


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
    models = {item.model for item in spec.objects}
    colors = {color for item in spec.objects for color in item.color}
    return replace(spec, hash=with_others(digest, content_models.sources(models, colors)))


def files(paths: Sequence[Path]) -> list[Path]:
    """The task files among and below the paths; all there are when there are none.

    A path may be a task's id instead.

    Raises:
        UsageError: a path is neither there nor a task's id, or there is no task in any.
    """
    found, known = [], _paths()
    for path in paths or folders_of("tasks"):
        path = path if path.exists() else known.get(str(path), path)
        if not path.exists():
            raise UsageError(f"{path}: no such file or folder, and no task")
        found += sorted(path.rglob("*.toml")) if path.is_dir() else [path]
    roots = [home.resolve() for home in folders_of("tasks")]
    homes = [*roots, *(root / name for root in roots for name in _FOREIGN)]
    ours = [path for path in found if path.resolve().parent not in homes]
    if not ours:
        raise UsageError(f"{', '.join(map(str, paths))}: no file of a task that can be checked")
    return ours
