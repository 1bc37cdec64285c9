"""Sentences that no demonstration had: other ways to ask for each task, read from one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pi0bench.content.folders import folder
from pi0bench.content.toml_errors import Complaints, brief
from pi0bench.errors import UsageError, unknown
from pi0bench.tasks.task_files import opened, task_ids
from pi0bench.tasks.task_parser import sentences
from pi0bench.tasks.task_spec import TaskSpec

KINDS = ("close", "free", "wordy")
"""How far from the trained sentences: other words; another build; in the midst of other talk."""

_LEAST = 3
Paraphrases = Mapping[str, Mapping[str, tuple[str, ...]]]


def file() -> Path:
    """The benchmark's own file of paraphrases."""
    return folder("tasks") / "paraphrases.toml"


def paraphrases(tasks: Sequence[TaskSpec], path: Path | None = None) -> Paraphrases:
    """The sentences of these tasks: by the task's id, then by kind.

    Args:
        tasks: whose sentences are read and checked.
        path: the file; the benchmark's own when not given.

    Raises:
        UsageError: the file is wrong; one line a problem, `file:line: where: what`.
    """
    it, _ = opened(path or file())
    for name in it.raw:
        if name not in task_ids():
            it.say(name, unknown("task", brief(name), task_ids()))
    found = {task.id: _of_task(it, task) for task in tasks}
    if it.problems:
        raise UsageError("\n".join(it.problems))
    return found


def _of_task(it: Complaints, task: TaskSpec) -> dict[str, tuple[str, ...]]:
    if task.id not in it.raw:
        it.say(task.id, f"there are no paraphrases of this task; give {', '.join(KINDS)}")
        return {}
    rows = it.table(task.id, it.raw[task.id], "a table of lists of sentences")
    it.keys(task.id, rows, KINDS, required=KINDS)
    known = {f"{item.name}.color" for item in task.objects if item.color or item.like}
    known |= {f"{item.name}.side" for item in task.objects if item.side}
    found = {}
    for kind in (kind for kind in KINDS if kind in rows):
        where = f"{task.id}.{kind}"
        found[kind] = sentences(it, where, rows[kind], known)
        if isinstance(rows[kind], list) and len(rows[kind]) < _LEAST:
            it.say(where, f"must have {_LEAST} sentences or more; has {len(rows[kind])}")
        for i, sentence in enumerate(rows[kind] if isinstance(rows[kind], list) else []):
            if sentence in task.instructions:
                it.say(f"{where}.{i}", "is one of the task's own instructions")
    return found
