"""Variations: how an episode may depart from its task file, read from files of amounts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pi0bench.content.folders import files_of, with_others
from pi0bench.content.toml_errors import Complaints, Range
from pi0bench.content.toml_files import opened
from pi0bench.envs import content_models
from pi0bench.envs.table_textures import TEXTURES
from pi0bench.errors import UsageError, unknown
from pi0bench.task.paraphrases import KINDS, file, files_with

SEVERITIES = ("1", "2", "3")
_NUMBERS = {
    "light_turn_deg": (0, 180),
    "light_dim": (0.2, 1),
    "light_tint": (0, 0.9),
    "camera_shift_mm": (0, 100),
    "camera_turn_deg": (0, 30),
    "image_sigma_levels": (0, 128),
    "position_sigma_mm": (0, 50),
    "angle_sigma_rad": (0, 1),
    "knock_within_s": (0, 10),
    "texture_contrast": (0, 1),
    "size": (1, 1.5),
}
_RANGES = {"friction": (0.01, 10), "knock_m_s": (0, 3)}


@dataclass(frozen=True)
class Variation:
    """The amounts of a variation; the defaults change nothing.

    Attributes:
        name: such as light-2: what, and how severe.
        light_turn_deg: turn of the light about the vertical, either way.
        light_dim: factor of all light, or, as often, one over it.
        light_tint: what the weakest of red, green and blue loses; the strongest loses nothing.
        camera_shift_mm: how far each camera is bumped, in any direction.
        camera_turn_deg: how much each camera is turned, about any axis.
        clutter: models of things that are added.
        wording: kind of the paraphrase that is asked, "" for the task's own instruction.
        friction: range of the factor of the friction of every contact.
        image_sigma_levels: noise of each pixel, of 255 levels.
        position_sigma_mm: noise of the tool's position and the opening.
        angle_sigma_rad: noise of the tool's turn about each axis.
        knock_m_s: range of the speed that the first free thing of the plan is given once.
        knock_within_s: when at the latest, unless a finger touches the thing then.
        texture: patterns of table and floor, of which each gets one.
        texture_contrast: how far their colors depart from the usual ones.
        size: factor of all lengths of all objects, or, as often, one over it.
    """

    name: str = "nominal"
    light_turn_deg: float = 0.0
    light_dim: float = 1.0
    light_tint: float = 0.0
    camera_shift_mm: float = 0.0
    camera_turn_deg: float = 0.0
    clutter: tuple[str, ...] = ()
    wording: str = ""
    friction: Range = (1.0, 1.0)
    image_sigma_levels: float = 0.0
    position_sigma_mm: float = 0.0
    angle_sigma_rad: float = 0.0
    knock_m_s: Range = (0.0, 0.0)
    knock_within_s: float = 0.0
    texture: tuple[str, ...] = ()
    texture_contrast: float = 0.0
    size: float = 1.0


NOMINAL, DEVELOPMENT = Variation(), Variation("development")
UNVARIED = {
    NOMINAL.name: (NOMINAL, "Everything is as the task file says."),
    DEVELOPMENT.name: (
        DEVELOPMENT,
        "The same, in start states that no result is of: to choose by, such as rates and steps.",
    ),
}
"""What needs no file, by name, each with what it is."""
_AMOUNTS = tuple(field.name for field in fields(Variation) if field.name != "name")


def kinds() -> tuple[str, ...]:
    """What can be varied, sorted; each has severities 1, 2 and 3."""
    return tuple(sorted(_files()))


def names() -> tuple[str, ...]:
    """Every variation that can be asked for."""
    return (*UNVARIED, *(f"{kind}-{severity}" for kind in kinds() for severity in SEVERITIES))


def variation(name: str) -> Variation:
    """The variation of that name, such as light-2.

    Raises:
        UsageError: there is none, or its file is wrong.
    """
    if name in UNVARIED:
        return UNVARIED[name][0]
    if name in kinds():
        choices = ", ".join(f"{name}-{severity}" for severity in SEVERITIES)
        raise UsageError(f'no variation "{name}"; say how severe: {choices}')
    if name not in names():
        raise UsageError(unknown("variation", name, names()))
    kind, _, severity = name.rpartition("-")
    return load(path_of(kind))[1][severity]


def described() -> list[tuple[str, str]]:
    """The names of each kind of variation, and what it changes, in a sentence."""
    rows = [(name, words) for name, (_, words) in UNVARIED.items()]
    for kind in kinds():
        mild, *_, hard = SEVERITIES
        rows.append((f"{kind}-{mild} … {kind}-{hard}", load(path_of(kind))[0]))
    return rows


def path_of(kind: str) -> Path:
    """The file of a kind of variation."""
    return _files()[kind]


def _files() -> dict[str, Path]:
    return files_of("envs", "variations/*.toml")


def digest(name: str, tasks: Iterable[str] = ()) -> str:
    """The hash of what a variation is read from, 12 hex digits.

    That is its file, the sentences that it says, the benchmark's and those of the tasks with these
    ids, and the models that it adds where they are others'.
    """
    paths, how = [path_of(name.rpartition("-")[0])], variation(name)
    if how.wording:
        paths.append(file())
    own = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
    added = content_models.sources(how.clutter)
    return with_others(own, [*added, *files_with(tasks)] if how.wording else added)


def load(path: Path) -> tuple[str, dict[str, Variation]]:
    """Read a file of amounts: its summary, and a variation for each severity.

    Raises:
        UsageError: the file is wrong; one line a problem, `file:line: where: what`.
    """
    it, _ = opened(path)
    it.keys("", it.raw, ("summary", "severity"), required=("summary", "severity"))
    summary = it.raw.get("summary", "")
    it.expect("summary", summary, str, "text")
    tables = it.table("severity", it.raw.get("severity", {}))
    if isinstance(it.raw.get("severity"), dict):
        it.keys("severity", tables, SEVERITIES, required=SEVERITIES)
    found = {
        severity: _read(it, f"severity.{severity}", f"{path.stem}-{severity}", tables[severity])
        for severity in SEVERITIES
        if severity in tables
    }
    if it.problems:
        raise UsageError("\n".join(it.problems))
    return summary, found


def _read(it: Complaints, where: str, name: str, value: Any) -> Variation:
    row = it.table(where, value)
    it.keys(where, row, _AMOUNTS)
    if not row and isinstance(value, dict):
        it.say(where, "must change something; known: " + ", ".join(_AMOUNTS))
    amounts: dict[str, Any] = {
        key: it.number(f"{where}.{key}", row[key], *limits)
        for key, limits in _NUMBERS.items()
        if key in row
    }
    amounts |= {
        key: it.range(f"{where}.{key}", row[key], *limits)
        for key, limits in _RANGES.items()
        if key in row
    }
    for key, kind, known in (
        ("clutter", "object model", content_models.names()),
        ("texture", "texture", tuple(TEXTURES)),
    ):
        if key in row:
            amounts[key] = it.texts(f"{where}.{key}", row[key], f"a list of {kind}s")
            for i, name in enumerate(amounts[key]):
                it.one_of(f"{where}.{key}.{i}", name, kind, known)
    if ("texture" in row) != ("texture_contrast" in row):
        it.say(where, 'a texture has "texture", its patterns, and "texture_contrast"')
    if row.get("texture") == []:
        it.empty(f"{where}.texture")
    if "wording" in row:
        amounts["wording"] = it.one_of(
            f"{where}.wording", row["wording"], "kind of paraphrase", KINDS
        )
    return Variation(name, **amounts)
