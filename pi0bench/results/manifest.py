"""The plan of a run folder: written once, and compared when a run comes back to the folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pi0bench.errors import StorageError, UsageError
from pi0bench.results.files import storage, write_atomic
from pi0bench.results.record import Cell
from pi0bench.results.shape import lacking, wrong

NAME = "manifest.json"


@dataclass(frozen=True)
class Plan:
    """What a run's folder is to hold.

    Attributes:
        tasks: ids.
        episodes: of each task under each condition.
        sequential: True when the run looked at its results on the way, to stop early.
    """

    tasks: tuple[str, ...]
    episodes: int
    sequential: bool = False


def plan(of: Mapping[str, Any]) -> Plan:
    """What the manifest says that there is to be."""
    said = of["settings"]
    episodes = of.get("stopped", said)["episodes"]
    return Plan(tuple(said["tasks"]), episodes, bool(said.get("stop_early")))


def complete(of: Mapping[str, Any], done: Iterable[Cell]) -> bool:
    """True when the cells that are done are all that the manifest planned."""
    return plan_hash(done) == of.get("stopped", of).get("plan")


def plan_hash(cells: Iterable[Cell]) -> str:
    """Return the sha256 over the sorted keys of `cells`: the same plan, the same hash."""
    return hashlib.sha256("\n".join(sorted(cell.key() for cell in cells)).encode()).hexdigest()


def planned(cells: Sequence[Cell]) -> dict[str, Any]:
    """Return what a manifest says about the plan: its hash, and how many episodes it has."""
    return {"plan": plan_hash(cells), "planned": len(cells)}


def read(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of `folder`, None when it has none."""
    path = folder / NAME
    with storage(path):
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{path}: not JSON ({error}); use another --out") from None
    if not isinstance(manifest, dict):
        raise StorageError(f"{path}: not a JSON object; use another --out")
    if found := next(wrong(manifest), ""):
        raise StorageError(f"{path}: {found}; this is no manifest of a run")
    return manifest


def must_be_whole(of: Mapping[str, Any], folder: Path) -> None:
    """See that a manifest says all that pages need.

    Raises:
        StorageError: it does not.
    """
    if missing := lacking(of):
        raise StorageError(
            f"{folder / NAME}: without {', '.join(missing)}; the run's command writes it anew into "
            "another --out"
        )


def settle(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest, or see that the one that is there has the same plan and shard.

    The caller holds the folder's lock, so there is one writer; the file appears whole or not at
    all, so a crash here never leaves half a manifest behind.
    """
    wanted = json.loads(json.dumps(manifest, allow_nan=False))
    found = read(folder)
    if found is None:
        write(folder, wanted)
    elif _asked(found) != _asked(wanted):
        changes = differences(found.get("settings"), wanted.get("settings"))
        changes += differences(found.get("shard"), wanted.get("shard"), "shard")
        reason = "; ".join(changes) or "same settings, but a task file or weights have changed"
        raise UsageError(f"{folder}: holds another plan ({reason}); use another --out")


def stop(folder: Path, cells: Iterable[Cell], episodes: int, why: Mapping[str, float]) -> None:
    """Note that a run is complete before its last episode, since a decision was reached.

    Args:
        folder: of the run; the caller holds its lock.
        cells: those that were measured.
        episodes: of each task under each condition.
        why: e-values by what was compared.
    """
    found = read(folder) or {}
    found["stopped"] = {"episodes": episodes, "plan": plan_hash(cells), "evidence": dict(why)}
    write(folder, found)


def _asked(of: Mapping[str, Any]) -> tuple[Any, Any, bool]:
    return of.get("plan"), of.get("shard"), bool(of.get("settings", {}).get("stop_early"))


def write(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest of `folder`, whole or not at all."""
    text = json.dumps(manifest, indent=2, sort_keys=True, allow_nan=False)
    write_atomic(folder / NAME, f"{text}\n".encode())


def differences(there: Any, here: Any, name: str = "") -> list[str]:
    """Say which settings differ, one sentence a setting, nested names joined with dots."""
    if isinstance(there, dict) and isinstance(here, dict):
        names = sorted(there.keys() | here.keys())
        return [
            change
            for key in names
            for change in differences(
                there.get(key), here.get(key), f"{name}.{key}" if name else str(key)
            )
        ]
    if there == here:
        return []
    return [f"{name or 'settings'}: {json.dumps(there)} there, {json.dumps(here)} here"]


def sentence(of: Mapping[str, Any]) -> str:
    """Say how it was measured, from the manifest."""
    said = of["settings"]
    software = ", ".join(f"{name} {number}" for name, number in sorted(of["versions"].items()))
    return (
        f"Measured in {said['engine']}, drawn by {said['renderer']}, start states 0 to "
        f"{plan(of).episodes - 1} of seed {said['seed']}, the same for every policy and step "
        "count, as is the noise; one thread a process; ms/re-plan is one robot's first plan of "
        f"an episode, timed alone. {software}; {of['machine']['system']} on "
        f"{of['machine']['processor']}."
    )
