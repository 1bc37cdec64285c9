"""Folders of one run made into one: parts that several machines measured, in any order."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pi0bench.errors import StorageError, UsageError
from pi0bench.results import manifest as manifests
from pi0bench.results.record import Record, Timing, contrast
from pi0bench.results.store import RunFolder

_OPTIONS = {"policies": "policy", "tasks": "task", "solvers": "solver", "variations": "variation"}
_FIRST = ("policies", "tasks")
_AND = " and "

Episode = tuple[Record, Timing | None]


@dataclass(frozen=True)
class Merged:
    """What came of a merge.

    Attributes:
        measured: episodes that need not be run again.
        planned: episodes of the whole run.
        command: what completes it.
    """

    measured: int
    planned: int
    command: str


def merge(runs: Sequence[Path], out: Path) -> Merged:
    """Write what several folders of one run hold into `out`, with what is there already.

    It does not matter in which order folders are merged, in how many steps, or how often.

    Raises:
        UsageError: a folder holds no run, or not the same one.
        StorageError: two folders hold different outcomes of one episode.
    """
    if not runs:
        raise UsageError("merge: name the folders of a run's parts")
    there = [out] if (out / manifests.NAME).exists() else []
    folders = [RunFolder(run) for run in dict.fromkeys([*runs, *there])]
    whole = _whole([(folder.root, folder.manifest()) for folder in folders])
    with RunFolder.settle(out, whole) as merged:
        manifests.write(out, whole)
        episodes = union(folders)
        timings = [timing for _, timing in episodes if timing is not None]
        merged.rewrite([record for record, _ in episodes], timings)
    measured = sum(record.final for record, _ in episodes)
    return Merged(measured, whole["planned"], f"{whole['command']} --out {shlex.quote(str(out))}")


def union(folders: Iterable[RunFolder]) -> list[Episode]:
    """Return one episode for each key: a final one, else the same one in whatever order.

    Raises:
        StorageError: two folders hold different final outcomes.
    """
    kept: dict[str, tuple[RunFolder, Episode]] = {}
    for folder in folders:
        timings = {timing.key: timing for timing in folder.timings()}
        for record in folder.records():
            key = record.cell.key()
            episode = record, timings.get(key)
            there, earlier = kept.get(key, (folder, episode))
            if record.final and earlier[0].final and record != earlier[0]:
                raise StorageError(
                    f"{folder.root}: determinism violation: cell {key} (task {record.cell.task}, "
                    f"episode {record.cell.episode}) ended otherwise in {there.root}: "
                    f"{contrast(earlier[0], record)}; measure both again"
                )
            kept[key] = min((there, earlier), (folder, episode), key=lambda found: _rank(found[1]))
    return [episode for _, episode in kept.values()]


def _rank(episode: Episode) -> tuple[object, ...]:
    """An order of all episodes of a cell, so that the first of several is always the same one."""
    record, timing = episode
    took = "" if timing is None else timing.to_line()
    return not record.final, record.to_line(), timing is None, took


def _whole(parts: Sequence[tuple[Path, dict[str, Any]]]) -> dict[str, Any]:
    """The manifest of the run that the parts belong to; the same for any of its parts."""
    (first_path, first), *others = parts
    for path, part in parts:
        if "planned" not in part or "settings" not in part:
            raise UsageError(f"{path}: its manifest does not say what was planned; run it again")
    for path, part in others:
        _must_go_together(first_path, first, path, part)
    machines = [part.get("machine", {}) for _, part in parts]
    whole = {name: value for name, value in first.items() if name != "shard"}
    return {**whole, "command": command(first["settings"]), "machine": _machine(machines)}


def _must_go_together(
    one: Path, there: Mapping[str, Any], other: Path, here: Mapping[str, Any]
) -> None:
    own = ("command", "machine", "shard", "plan")
    named = [{k: v for k, v in each.items() if k not in own} for each in (there, here)]
    changes = manifests.differences(named[0], named[1])
    changes = changes or manifests.differences(there.get("plan"), here.get("plan"), "plan")
    if changes:
        raise UsageError(f"{other}: not of the same run as {one} ({'; '.join(changes)})")


def _machine(machines: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """All the machines as one; each name once, sorted."""
    names = sorted({name for machine in machines for name in machine})
    found = {name: {m[name] for m in machines if name in m} for name in names}
    parts = {name: {one for text in of for one in text.split(_AND)} for name, of in found.items()}
    return {name: _AND.join(sorted(of)) for name, of in parts.items()}


def command(settings: Mapping[str, Any]) -> str:
    """Return the command line that measures what `settings` say, all of them written out."""
    words = ["pi0bench", "run"]
    for name in sorted(settings, key=lambda name: (name not in _FIRST, name)):
        value = settings[name]
        values = value if isinstance(value, list) else [value]
        if values:
            option = _OPTIONS.get(name, name).replace("_", "-")
            words += [f"--{option}", *map(str, values)]
    return shlex.join(words)
