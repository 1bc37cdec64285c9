"""Turns the parsed TOML of a task file into a `TaskSpec`, collecting problems with their lines."""

from __future__ import annotations

import difflib
import re
import string
from functools import cached_property
from pathlib import Path
from typing import Any

from pi0bench.envs import models
from pi0bench.envs.panda import panda
from pi0bench.errors import unknown
from pi0bench.tasks.calls import Call, CallError, check, parse
from pi0bench.tasks.expert.plan import ACTS
from pi0bench.tasks.lines import lines_of
from pi0bench.tasks.predicates import PREDICATES
from pi0bench.tasks.spec import ObjectSpec, Place, Range, Start, TaskSpec

_KEYS = ("summary", "version", "max_s", "hold_s", "instructions", "plan", "stages", "goal")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_MAX_SAID = 300


class Reader:
    """Reads one file and collects every complaint about it."""

    def __init__(self, shown: str, text: str, raw: dict[str, Any]) -> None:
        self._found: list[tuple[int, str]] = []
        self._shown, self._text_read, self._raw = shown, text, raw

    @property
    def problems(self) -> list[str]:
        """Every complaint as `file:line: where: what`, in the order of lines."""
        return [f"{self._shown}:{line}: {said}" for line, said in sorted(self._found, key=_first)]

    def task(self, path: Path, digest: str) -> TaskSpec | None:
        """The task, or None when there were problems."""
        raw = self._raw
        self._known("", raw, (*_KEYS, "objects", "start"), required=(*_KEYS, "objects"))
        objects = self._objects(raw.get("objects", {}))
        names = [item.name for item in objects]
        goal = raw.get("goal", {})
        if not self._is("goal", goal, dict, "a table"):
            goal = {}
        elif "goal" in raw:
            self._known("goal", goal, ("all",), required=("all",))
        spec = TaskSpec(
            id=path.stem,
            path=path,
            hash=digest,
            summary=self._text("summary"),
            version=int(self._number("version", raw.get("version", 1), 1, 1000)),
            max_s=self._number("max_s", raw.get("max_s", 1), 0.5, 120),
            hold_s=self._number("hold_s", raw.get("hold_s", 0), 0.0, 10),
            instructions=self._instructions(objects),
            plan=self._calls("plan", raw.get("plan"), "skill", ACTS, names),
            stages=self._calls("stages", raw.get("stages"), "predicate", PREDICATES, names),
            goal=self._calls("goal.all", goal.get("all"), "predicate", PREDICATES, names),
            objects=objects,
            start=self._start(raw.get("start", {})),
        )
        return None if self._found else spec

    def _objects(self, raw: Any) -> tuple[ObjectSpec, ...]:
        if not self._is("objects", raw, dict, "a table of objects"):
            return ()
        items = []
        for name, row in raw.items():
            where = f"objects.{name}"
            if not _NAME.fullmatch(name) or name in _taken():
                self._say(where, "a name has small letters, digits and _, and is not the robot's")
            if not self._is(where, row, dict, "a table"):
                continue
            self._known(where, row, ("model", "color", "place"), required=("model", "place"))
            model = row.get("model", "")
            if "model" in row and model not in models.names():
                self._say(f"{where}.model", unknown("object model", _brief(model), models.names()))
            colors = row.get("color", [])
            colors = [colors] if isinstance(colors, str) else colors
            if self._is(f"{where}.color", colors, list, "a list of colours"):
                for color in colors:
                    if not isinstance(color, str) or color not in models.colors():
                        known = models.colors()
                        self._say(f"{where}.color", unknown("color", _brief(color), known))
            place = self._place(f"{where}.place", row)
            items.append(ObjectSpec(name, _brief(model), place, tuple(map(_brief, colors))))
        return tuple(items)

    def _place(self, where: str, row: dict[str, Any]) -> Place:
        raw = row.get("place")
        if raw is None or not self._is(where, raw, dict, "a table"):
            return Place((0, 0), (0, 0))
        self._known(where, raw, ("x_m", "y_m", "yaw_deg"), required=("x_m", "y_m"))
        x = self._range(f"{where}.x_m", raw.get("x_m", [0.5, 0.5]), 0.25, 0.75)
        y = self._range(f"{where}.y_m", raw.get("y_m", [0, 0]), -0.40, 0.40)
        return Place(x, y, self._range(f"{where}.yaw_deg", raw.get("yaw_deg", [0, 0]), -180, 180))

    def _start(self, raw: Any) -> Start:
        scene = models.read("scenes", "tabletop.toml")
        if not self._is("start", raw, dict, "a table"):
            raw = {}
        self._known("start", raw, ("tcp_m", "spread_m", "spread_yaw_deg"))
        return Start(
            self._vector("start.tcp_m", raw.get("tcp_m", scene["start_tcp_m"])),
            self._vector("start.spread_m", raw.get("spread_m", scene["start_spread_m"])),
            self._number(
                "start.spread_yaw_deg",
                raw.get("spread_yaw_deg", scene["start_spread_yaw_deg"]),
                0,
                45,
            ),
        )

    def _instructions(self, objects: tuple[ObjectSpec, ...]) -> tuple[str, ...]:
        raw = self._raw.get("instructions", [])
        if not self._is("instructions", raw, list, "a list of sentences"):
            return ()
        if not raw and "instructions" in self._raw:
            return self._empty("instructions")
        colored = {item.name for item in objects if item.color}
        for i, sentence in enumerate(raw):
            where = f"instructions.{i}"
            if not self._is(where, sentence, str, "a sentence"):
                continue
            try:
                fields = {
                    name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
                    for _, name, form, conversion in string.Formatter().parse(sentence)
                    if name is not None
                }
            except ValueError as error:
                self._say(where, str(error))
                continue
            known = {f"{name}.color" for name in colored}
            for field in sorted(fields - known):
                self._say(where, unknown("field", _brief(field), known))
        return tuple(sentence for sentence in raw if isinstance(sentence, str))

    def _calls(
        self, where: str, raw: Any, kind: str, functions: dict[str, Any], objects: list[str]
    ) -> tuple[Call, ...]:
        if raw is None or not self._is(where, raw, list, "a list of calls"):
            return ()
        if not raw:
            return self._empty(where)
        calls = []
        for i, text in enumerate(raw):
            if not self._is(f"{where}.{i}", text, str, "a call in quotes"):
                continue
            try:
                call = parse(text)
                check(call, kind, functions, objects)
                calls.append(call)
            except CallError as error:
                self._say(f"{where}.{i}", str(error))
        return tuple(calls)

    def _empty(self, where: str) -> tuple[()]:
        self._say(where, "must not be empty")
        return ()

    def _text(self, key: str) -> str:
        value = self._raw.get(key, "")
        return value if self._is(key, value, str, "text") else ""

    def _number(self, where: str, value: Any, low: float, high: float) -> float:
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if not good or not low <= value <= high:
            self._say(where, f"must be a number from {low:g} to {high:g}; got {_brief(value)}")
            return low
        return float(value)

    def _range(self, where: str, value: Any, low: float, high: float) -> Range:
        if not isinstance(value, list) or len(value) != 2:
            self._say(where, "must be [least, greatest]")
            return low, high
        known = len(self._found)
        a, b = (self._number(where, x, low, high) for x in value)
        if a > b and known == len(self._found):
            self._say(where, f"least {a:g} is greater than greatest {b:g}")
        return a, b

    def _vector(self, where: str, value: Any) -> tuple[float, float, float]:
        if not isinstance(value, list) or len(value) != 3:
            self._say(where, "must be [x, y, z]")
            return 0.0, 0.0, 0.0
        x, y, z = (self._number(where, item, -1, 1) for item in value)
        return x, y, z

    def _known(
        self, where: str, raw: dict[str, Any], keys: tuple[str, ...], required: tuple[str, ...] = ()
    ) -> None:
        for key in raw:
            if key not in keys:
                near = difflib.get_close_matches(key, keys, n=1)
                hint = f'did you mean "{near[0]}"?' if near else "known: " + ", ".join(keys)
                self._say(f"{where}.{key}".lstrip("."), f"unknown key; {hint}")
        for key in required:
            if key not in raw:
                self._say(where or key, f'"{key}" is missing')

    def _is(self, where: str, value: Any, kind: type, words: str) -> bool:
        if isinstance(value, kind):
            return True
        self._say(where, f"must be {words}; got {_brief(value)}")
        return False

    def _say(self, where: str, what: str) -> None:
        said = f"{where}: {what}"
        if len(said) > _MAX_SAID:
            said = f"{said[:_MAX_SAID]} …"
        printable = "".join(c if c.isprintable() else "?" for c in said)
        self._found.append((self._line(where), printable))

    def _line(self, where: str) -> int:
        """Line of a dotted place, or of the nearest place around it that is written down."""
        while where and where not in self._places:
            where = where.rpartition(".")[0]
        return self._places.get(where, 1)

    @cached_property
    def _places(self) -> dict[str, int]:
        return lines_of(self._text_read)


def _first(found: tuple[int, str]) -> int:
    return found[0]


def _taken() -> set[str]:
    """Names in a scene that are not a task's to give."""
    return {"table", "panda", *(link.name for link in panda().body.links)}


def _brief(value: Any) -> str:
    """The value in words that fit on a line of complaint."""
    try:
        return str(value)[:60]
    except ValueError:  # Python does not write out whole numbers of thousands of digits
        return "a huge number"
