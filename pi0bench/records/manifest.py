"""The plan of a run folder: written once, and compared when a run comes back to the folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pi0bench.errors import StorageError, UsageError
from pi0bench.files.durable import storage, write_atomic
from pi0bench.records import resume_compatibility
from pi0bench.records.manifest_schema import PLANNED, lacking, wrong
from pi0bench.records.policy_roles import KNOWN, Roles, roles
from pi0bench.records.record import Cell

NAME = "manifest.json"


@dataclass(frozen=True)
class Plan:
    """What a run's folder is to hold.

    Attributes:
        tasks: ids.
        episodes: of each task under each condition.
        sequential: True when the run looked at its results on the way, to stop early.
        roles: of its policies.
    """

    tasks: tuple[str, ...]
    episodes: int
    sequential: bool = False
    roles: Roles = field(default_factory=lambda: KNOWN)


NO_PLAN = Plan((), 0)
"""Of records that come without a manifest."""


def plan(of: Mapping[str, Any]) -> Plan:
    """What the manifest says that there is to be.

    Raises:
        UsageError: it does not say it, or says of a policy what no policy can be.
    """
    if missing := lacking(of, PLANNED):
        raise UsageError(f"{NAME}: without {', '.join(missing)}; this is no manifest of a run")
    said = of["settings"]
    episodes = of.get("stopped", said)["episodes"]
    return Plan(tuple(said["tasks"]), episodes, bool(said.get("stop_early")), roles(of))


def complete(of: Mapping[str, Any], done: Iterable[Cell]) -> bool:
    """True when the cells that are done are all that the manifest planned."""
    counted = (cell for cell in done if counts(of, cell))
    return plan_hash(counted) == of.get("stopped", of).get("plan")


def counts(of: Mapping[str, Any], cell: Cell) -> bool:
    """True unless the run was complete before this cell's episode.

    A run that lacked an episode for a while goes on until it has it, and may then turn out to have
    had its answer earlier; what it measured beyond is kept, and is no part of its tables.
    """
    return "stopped" not in of or cell.episode < of["stopped"]["episodes"]


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


def settle(
    folder: Path, manifest: Mapping[str, Any], grows: Callable[[Mapping[str, Any]], bool]
) -> None:
    """Write the manifest, or see that the one that is there has the same basis, plan and shard.

    The caller holds the folder's lock, so there is one writer; the file appears whole or not at
    all, so a crash here never leaves half a manifest behind.

    Args:
        folder: of the run.
        manifest: that is wanted.
        grows: whether the wanted plan holds all of that of a manifest, and so may replace it.

    Raises:
        UsageError: what is there does not go together with what is wanted.
    """
    wanted = json.loads(json.dumps(manifest, allow_nan=False))
    found = read(folder)
    if found is None:
        write(folder, wanted)
        return
    if changes := resume_compatibility.mixed(found, wanted):
        raise UsageError(
            f"{folder}: what is there was measured otherwise ({'; '.join(changes)}); measure as it "
            "was, or use another --out"
        )
    if _asked(found) != _asked(wanted):
        changes = resume_compatibility.differences(found.get("settings"), wanted.get("settings"))
        changes += resume_compatibility.differences(
            found.get("shard"), wanted.get("shard"), "shard"
        )
        if found.get("shard") != wanted.get("shard") or not grows(found):
            reason = "; ".join(changes) or "same settings, but a task file or weights have changed"
            raise UsageError(
                f"{folder}: holds another plan ({reason}); ask for all of it and more, or use "
                "another --out"
            )
        following = {**wanted, **_grown(found, wanted)}
    else:
        following = found
    both = resume_compatibility.joined([found, wanted])
    following = {
        **following,
        **{name: both[name] for name in resume_compatibility.JOINED if name in following},
    }
    if following != found:
        write(folder, following)


def _grown(there: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, list[int]]:
    """The numbers of start states that were planned before, if they are more now."""
    before, now = there["settings"]["episodes"], here["settings"]["episodes"]
    numbers = [*there.get("grown", []), *([before] if before != now else [])]
    return {"grown": numbers} if numbers else {}


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


MEANWHILE = {
    "hold": "the robot holds still",
    "async": "it goes on with the plan before, of which the new one then takes over",
    "ensemble": "it carries out the mean of all plans that have come",
    "inpaint": "it goes on with the plan before, whose next actions are given to the new one",
    "rtc": "it goes on with the plan before, to which the new one is drawn",
    "prefix": "it goes on with the plan before, with whose next actions the new one begins",
    "bid": "it goes on with the plan before, to which the nearest of several new ones is chosen",
}
"""What a robot does while its policy plans, by the cell's clock."""

LOOKS = {
    "agree": "after twice as many actions while plans agree with those before, else after half",
    "dip": "where a plan's speed dips, or the hand grips",
}
"""When a robot looks again, by the cell's rule."""


def _time(settings: Mapping[str, Any]) -> Iterator[str]:
    """Say what delays and clocks are, where a run has some."""
    clocks = [name for name in settings.get("clocks", []) if name in MEANWHILE]
    if clocks:
        meanwhile = "; ".join(f"{name}: {MEANWHILE[name]}" for name in clocks)
        yield (
            "A plan can be followed as many control steps after its look as the delay says, and "
            f"the world goes on meanwhile ({meanwhile}); without a delay it waits."
        )
    if settings.get("executes"):
        yield "Execute is how many actions of a plan are carried out until the next one."
    rules = [f"{name}: {LOOKS[name]}" for name in settings.get("looks", []) if name in LOOKS]
    if rules:
        yield f"The robot looks again as a rule says ({'; '.join(rules)})."
    if settings.get("rates"):
        yield "Hz are control steps a second; plans of another rate are joined by monotone cubics."
    if settings.get("coarsens"):
        yield "Coarsen n keeps every n-th point of a plan's trajectory, joined by monotone cubics."


def sentence(of: Mapping[str, Any]) -> str:
    """Say how it was measured, from the manifest."""
    grown = " and then ".join(map(str, of.get("grown", [])))
    raised = (
        f"At first {grown} start states were planned and more added later, which intervals and "
        "tests for a number fixed beforehand do not allow for. "
    )
    said = of["settings"]
    time = "".join(f"{word} " for word in _time(said))
    software = ", ".join(f"{name} {number}" for name, number in sorted(of["versions"].items()))
    return (
        f"{raised if grown else ''}{time}"
        f"Measured in {said['engine']}, drawn by {said['renderer']}, start states 0 to "
        f"{plan(of).episodes - 1} of seed {said['seed']}, the same for every policy and step "
        "count, as is the noise; one thread a process; ms/re-plan is one robot's first plan of "
        f"an episode, timed alone. {software}; {of['machine']['system']} on "
        f"{of['machine']['processor']}."
    )
