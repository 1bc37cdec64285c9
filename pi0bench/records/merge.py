"""Folders of one run made into one: parts that several machines measured, in any order."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pi0bench.errors import StorageError, UsageError
from pi0bench.files.folder_lock import PATIENCE_S
from pi0bench.records import manifest as manifests
from pi0bench.records import resume_compatibility
from pi0bench.records.record import Record, Timing, contrast
from pi0bench.records.run_folder import RunFolder

_OPTIONS = {
    **{"policies": "policy", "tasks": "task", "solvers": "solver", "variations": "variation"},
    **{"clocks": "clock", "delays": "delay", "executes": "execute"},
    **{"rates": "control-hz", "coarsens": "coarsen", "looks": "look"},
}
_FIRST = ("policies", "tasks")
_WORLD = ("engine", "renderer")
_OWN = ("command", "content", "grown", "plan", "shard", *resume_compatibility.JOINED)
"""In what parts of one run may differ, and `mixed` has something to say about `JOINED`."""

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
    _whole(_folders(runs, out))  # what does not go together is refused before anything is made
    with RunFolder.alone(out, PATIENCE_S) as merged:
        folders = _folders(runs, out)  # others may have merged into it meanwhile
        whole = _whole(folders)
        manifests.write(out, whole)
        episodes = union(folders)
        timings = [timing for _, timing in episodes if timing is not None]
        merged.rewrite([record for record, _ in episodes], timings)
    measured = sum(record.final for record, _ in episodes)
    return Merged(measured, whole["planned"], f"{whole['command']} --out {shlex.quote(str(out))}")


def _folders(runs: Sequence[Path], out: Path) -> list[RunFolder]:
    there = [out] if (out / manifests.NAME).exists() else []
    if there and (shard := RunFolder(out).manifest().get("shard")):
        raise UsageError(f"{out}: is part {shard} itself; give the whole an --out of its own")
    return [RunFolder(run) for run in dict.fromkeys([*runs, *there])]


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


def _whole(folders: Sequence[RunFolder]) -> dict[str, Any]:
    """The manifest of the run that the parts belong to; the same for any of its parts."""
    parts = [folder.manifest() for folder in folders]
    for folder, part in zip(folders, parts, strict=True):
        if "planned" not in part or "settings" not in part:
            raise UsageError(
                f"{folder.root}: its manifest does not say what was planned; run it again"
            )
        if changes := _apart(parts[0], part) or resume_compatibility.mixed(parts[0], part):
            one = folders[0].root
            raise UsageError(f"{folder.root}: not of the same run as {one} ({'; '.join(changes)})")
    content = min(part.get("content", []) for part in parts)
    whole = {name: value for name, value in parts[0].items() if name != "shard"}
    whole |= resume_compatibility.joined(parts)
    grown = sorted({count for part in parts for count in part.get("grown", [])})
    whole |= {"grown": grown} if grown else {}
    whole |= {"content": content} if content else {}
    return {**whole, "command": command(parts[0]["settings"], content)}


def _apart(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Say in what else two parts differ, the plan only where nothing says more."""
    named = [{k: v for k, v in each.items() if k not in _OWN} for each in (there, here)]
    changes = resume_compatibility.differences(named[0], named[1])
    return changes or resume_compatibility.differences(there.get("plan"), here.get("plan"), "plan")


def command(settings: Mapping[str, Any], content: Sequence[str] = ()) -> str:
    """Return the command line that measures what `settings` say, all of them written out.

    Args:
        settings: of a run.
        content: folders with tasks of others.
    """
    words = ["pi0bench", "run"]
    # Tasks of other libraries bring their own physics and what draws it.
    implied = _WORLD if all("/" in task for task in settings.get("tasks", [])) else ()
    said = {**settings, "content": list(content)}
    for name in sorted(said.keys() - set(implied), key=lambda name: (name not in _FIRST, name)):
        value, option = said[name], f"--{_OPTIONS.get(name, name).replace('_', '-')}"
        if isinstance(value, bool):
            words += [option] if value else []
            continue
        values = value if isinstance(value, list) else [value]
        words += [option, *map(str, values)] if values else []
    return shlex.join(words)
