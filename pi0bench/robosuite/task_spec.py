"""Which tasks of robosuite there are: one file each, tasks/robosuite/NAME.toml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pi0bench.content.folders import files_of
from pi0bench.content.toml_errors import Complaints
from pi0bench.content.toml_files import opened
from pi0bench.errors import UsageError, unknown

SOURCE = "robosuite"
_KEYS = ("instruction", "max_s", "hold_s", "keypoint")
_KEYPOINT = ("body", "site", "yaw_symmetry", "height_m")


@dataclass(frozen=True)
class KeypointSpec:
    """A point that an encoder learns to find.

    Attributes:
        name: such as "red cube".
        body, site: of robosuite's model, where it is; one of them is "".
        yaw_symmetry: how many headings in a whole turn look the same; 0 for round things.
        height_m: at which it usually is, over the robot's base.
    """

    name: str
    body: str
    site: str
    yaw_symmetry: int
    height_m: float


@dataclass(frozen=True)
class Spec:
    """A task.

    Attributes:
        name: robosuite's.
        hash: of the file's bytes, 12 hex digits.
        instruction: what is asked.
        max_s: after which an episode ends.
        hold_s: how long robosuite's own success must hold to count.
        keypoints: what there is to find.
    """

    name: str
    hash: str
    instruction: str
    max_s: float
    hold_s: float
    keypoints: tuple[KeypointSpec, ...]


def names() -> list[str]:
    """The tasks that there are, the benchmark's own and others', sorted."""
    return sorted(_paths())


def _paths() -> dict[str, Path]:
    return files_of("tasks", f"{SOURCE}/*.toml")


def spec(name: str) -> Spec:
    """The task of that name.

    Raises:
        UsageError: there is none, or its file is wrong.
    """
    paths = _paths()
    if name not in paths:
        raise UsageError(unknown("task of robosuite", name, paths))
    it, digest = opened(paths[name])
    raw = it.raw
    it.keys("", raw, _KEYS, required=("instruction", "max_s", "hold_s"))
    it.expect("instruction", raw.get("instruction", ""), str, "text")
    max_s = it.number("max_s", raw.get("max_s", 1), 0.5, 120)
    hold_s = it.number("hold_s", raw.get("hold_s", 0), 0, 10)
    points = it.table("keypoint", raw.get("keypoint", {}))
    found = tuple(_keypoint(it, point, points[point]) for point in points)
    if it.problems:
        raise UsageError("\n".join(it.problems))
    return Spec(name, digest, str(raw["instruction"]), max_s, hold_s, found)


def _keypoint(it: Complaints, name: str, value: object) -> KeypointSpec:
    where = f"keypoint.{name}"
    row = it.table(where, value)
    it.keys(where, row, _KEYPOINT, required=("yaw_symmetry", "height_m"))
    if ("body" in row) == ("site" in row):
        it.say(where, 'must have a "body" or else a "site"')
    body, site = (row.get(key, "") for key in ("body", "site"))
    it.expect(where, body or site, str, "a name of robosuite's model")
    symmetry = int(it.number(f"{where}.yaw_symmetry", row.get("yaw_symmetry", 0), 0, 360))
    height_m = it.number(f"{where}.height_m", row.get("height_m", 0), -1, 1)
    return KeypointSpec(name, body, site, symmetry, height_m)
