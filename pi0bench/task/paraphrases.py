"""Sentences that no demonstration had: other ways to ask for each task, read from files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from pi0bench.content.folders import folder, folders_of, shown
from pi0bench.content.toml_errors import Complaints, brief
from pi0bench.content.toml_files import opened
from pi0bench.errors import UsageError, unknown
from pi0bench.task.task_files import task_ids
from pi0bench.task.task_parser import sentences
from pi0bench.task.task_spec import TaskSpec

KINDS = ("close", "free", "wordy")
"""How far from the trained sentences: other words; another build; in the midst of other talk."""

_NAME = "paraphrases.toml"
_LEAST = 3
Paraphrases = Mapping[str, Mapping[str, tuple[str, ...]]]


def file() -> Path:
    """The benchmark's own file of paraphrases."""
    return folder("tasks") / _NAME


def files_with(tasks: Iterable[str]) -> list[Path]:
    """Others' files in which there are sentences for any of the tasks with these ids."""
    others = [(path, it) for path, it in _opened().items() if path != file()]
    return [path for path, it in others if not it.raw.keys().isdisjoint(tasks)]


def has(task: TaskSpec) -> bool:
    """Whether there are sentences for the task."""
    return any(task.id in it.raw for it in _opened().values())


def paraphrases(tasks: Sequence[TaskSpec]) -> Paraphrases:
    """The sentences of these tasks: by the task's id, then by kind.

    Raises:
        UsageError: a file is wrong; one line a problem, `file:line: where: what`.
    """
    read, home = _opened(), {}
    for path, it in read.items():
        for name in it.raw:
            if name not in task_ids():
                it.say(name, unknown("task", brief(name), task_ids()))
            if name in home:
                it.say(name, f"there are paraphrases of this task in {shown(home[name])} too")
            home[name] = path
    found = {}
    for task in tasks:
        path = home.get(task.id) or _beside(task, read)
        found[task.id] = _of_task(read[path], task)
    if problems := [problem for it in read.values() for problem in it.problems]:
        raise UsageError("\n".join(problems))
    return found


def _opened() -> dict[Path, Complaints]:
    """The benchmark's own file and others', by their paths."""
    others = [path for home in folders_of("tasks")[1:] if (path := home / _NAME).is_file()]
    return {path: opened(path)[0] for path in (file(), *others)}


def _beside(task: TaskSpec, read: Collection[Path]) -> Path:
    """The file in which sentences of a task would be looked for first."""
    near = task.path.parent.parent / _NAME
    return near if near in read else file()


def _of_task(it: Complaints, task: TaskSpec) -> dict[str, tuple[str, ...]]:
    if task.id not in it.raw:
        near = shown(task.path.parent.parent / _NAME)
        wanted = f"give {', '.join(KINDS)}, {_LEAST} sentences each, in {near}"
        it.say(task.id, f"there are no paraphrases of this task; {wanted}")
        return {}
    rows = it.table(task.id, it.raw[task.id], "a table of lists of sentences")
    it.keys(task.id, rows, KINDS, required=KINDS)
    known = {f"{item.name}.color" for item in task.objects if item.color or item.like}
    known |= {f"{item.name}.side" for item in task.objects if item.side}
    needed = set.intersection(*map(_fields, task.instructions))
    found = {}
    for kind in (kind for kind in KINDS if kind in rows):
        where = f"{task.id}.{kind}"
        found[kind] = sentences(it, where, rows[kind], known)
        if isinstance(rows[kind], list) and len(rows[kind]) < _LEAST:
            it.say(where, f"must have {_LEAST} sentences or more; has {len(rows[kind])}")
        for i, sentence in enumerate(rows[kind] if isinstance(rows[kind], list) else []):
            if sentence in task.instructions:
                it.say(f"{where}.{i}", "is one of the task's own instructions")
            elif isinstance(sentence, str) and (unsaid := sorted(needed - _fields(sentence))):
                it.say(
                    f"{where}.{i}", f"does not say {', '.join(unsaid)}, as every instruction does"
                )
    return found


def _fields(sentence: str) -> set[str]:
    """What a sentence says of the objects, such as {cube.color}."""
    return set(re.findall(r"\{[^}]*\}", sentence))
