"""Turns the parsed TOML of a task file into a `TaskSpec`."""

from __future__ import annotations

import string
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pi0bench.content.toml_errors import Complaints
from pi0bench.envs import content_models
from pi0bench.envs.scene import Body
from pi0bench.task.call_parser import Call, CallError, Fits, Rule, check, parse, parse_rule
from pi0bench.task.expert.skill_registry import SKILLS
from pi0bench.task.object_needs import unlike
from pi0bench.task.predicates import MEASURES, PREDICATES
from pi0bench.task.scripts import SCRIPTS
from pi0bench.task.suites import suites
from pi0bench.task.task_objects_parser import NAME, read_objects, taken
from pi0bench.task.task_spec import ObjectSpec, ScriptSpec, TaskSpec, Way
from pi0bench.task.task_start_parser import read_ceiling, read_start

_REQUIRED = ("summary", "version", "max_s", "hold_s", "instructions", "plan", "goal", "objects")
_OPTIONAL = (
    "tags",
    "stages",
    "score",
    "modes",
    "choose",
    "mirrored",
    "start",
    "ceiling_m",
    "script",
)
_KEYS = (*_REQUIRED, *_OPTIONAL)
Binding = dict[str, str]
Things = dict[str, list[Body]]
"""The models that a name in a call may stand for."""


def read(it: Complaints, path: Path, digest: str) -> TaskSpec | None:
    """The task of a file, or None when there was something to complain of."""
    raw = it.raw
    it.keys("", raw, _KEYS, required=_REQUIRED)
    if ("stages" in raw) == ("score" in raw):
        it.say("stages", 'there must be "stages" or else a "score"')
    objects = read_objects(it, raw.get("objects", {}))
    known = content_models.names()
    things = {o.name: [content_models.model(o.model)] if o.model in known else [] for o in objects}
    bindings = _bindings(it, raw.get("choose", {}), list(things))
    script = _script(it, raw.get("script"), things)
    asked = PREDICATES | dict(script.make().predicates())
    ways = _ways(it, bindings, things, asked)
    modes = it.table("modes", raw.get("modes", {}))
    told = [_calls(it, f"modes.{name}", [text], asked, things) for name, text in modes.items()]
    scores = [raw["score"]] if "score" in raw else None
    score = _calls(it, "score", scores, MEASURES | dict(script.make().measures()), things)
    tags = it.texts("tags", raw.get("tags", []), "a list of suites")
    for i, tag in enumerate(tags):
        it.one_of(f"tags.{i}", tag, "suite", suites())
    start = read_start(it, raw.get("start", {}))
    spec = TaskSpec(
        id=path.stem,
        path=path,
        hash=digest,
        summary=_text(it, "summary"),
        version=int(it.number("version", raw.get("version", 1), 1, 1000)),
        tags=tags,
        max_s=it.number("max_s", raw.get("max_s", 1), 0.5, 120),
        hold_s=it.number("hold_s", raw.get("hold_s", 0), 0.0, 10),
        ceiling_m=read_ceiling(it, start),
        mirrored=it.expect("mirrored", raw.get("mirrored", False), bool, "true or false")
        and raw.get("mirrored", False),
        instructions=_instructions(it, objects),
        ways=ways,
        modes=tuple(
            (name, call) for name, calls in zip(modes, told, strict=True) for call in calls
        ),
        score=score[0] if score else None,
        objects=objects,
        start=start,
        script=script,
    )
    return None if it.problems else spec


def _script(it: Complaints, raw: Any, things: Things) -> ScriptSpec:
    if raw is None:
        return ScriptSpec()
    raw = it.table("script", raw)
    it.keys("script", raw, ("kind", "things"), required=("kind", "things"))
    kind = it.one_of("script.kind", raw.get("kind", ""), "kind of script", SCRIPTS)
    names = it.texts("script.things", raw.get("things", []), "a list of objects")
    for name in names:
        it.one_of("script.things", name, "object", things)
    bodies = [body for name in names for body in things.get(name, [])]
    if kind in SCRIPTS and len(bodies) == len(names) and not SCRIPTS[kind].fits(bodies):
        it.say("script.things", f"{kind} is about {SCRIPTS[kind].wants}")
    return ScriptSpec(kind, names)


def _bindings(it: Complaints, raw: Any, names: list[str]) -> list[Binding]:
    """For each way, what every name that stands for a choice stands for there."""
    columns: dict[str, tuple[str, ...]] = {}
    for name, value in it.table("choose", raw).items():
        where = f"choose.{name}"
        if not NAME.fullmatch(name) or name in names or name in taken():
            it.say(where, "a name of its own has small letters, digits and _")
        columns[name] = it.texts(where, value, "a list of objects")
        for item in columns[name]:
            it.one_of(where, item, "object", names)
    lengths = {len(column) for column in columns.values()}
    if len(lengths) > 1 or 0 in lengths:
        it.say("choose", "all lists must be of one length, and not empty")
        return [{name: (column or ("",))[0] for name, column in columns.items()}]
    count = lengths.pop() if lengths else 1
    return [{name: column[i] for name, column in columns.items()} for i in range(count)]


def _ways(
    it: Complaints, bindings: list[Binding], things: Things, asked: dict[str, Any]
) -> tuple[Way, ...]:
    goal = it.table("goal", it.raw.get("goal", {}))
    if isinstance(it.raw.get("goal"), dict):
        it.keys("goal", goal, ("all",), required=("all",))
    chosen = {name: [way[name] for way in bindings] for name in bindings[0]}
    known = things | {n: [t for o in chosen[n] for t in things.get(o, [])] for n in chosen}
    plan = _plan(it, known, asked)
    stages = _calls(it, "stages", it.raw.get("stages"), asked, known)
    done = _calls(it, "goal.all", goal.get("all"), asked, known)
    return tuple(
        Way(
            tuple(rule.bound(names) for rule in plan),
            tuple(call.bound(names) for call in stages),
            tuple(call.bound(names) for call in done),
        )
        for names in bindings
    )


def _plan(it: Complaints, things: Things, asked: dict[str, Any]) -> tuple[Rule, ...]:
    """The rules of the plan; the first one holds always."""
    rules = []
    for where, text in _texts(it, "plan", it.raw.get("plan")):
        try:
            rule = parse_rule(text)
            check(rule.call, "skill", SKILLS, things, _fits(things))
            for condition in rule.conditions:
                check(condition.call, "predicate", asked, things, _fits(things))
            rules.append(rule)
            if where == "plan.0" and rule.conditions:
                it.say(where, 'the first step acts while no other one holds, so it has no "if"')
        except CallError as error:
            it.say(where, str(error))
    return tuple(rules)


def _instructions(it: Complaints, objects: tuple[ObjectSpec, ...]) -> tuple[str, ...]:
    raw = it.raw.get("instructions", [])
    if "instructions" in it.raw and raw == []:
        return it.empty("instructions")
    rows = {item.name: it.raw["objects"][item.name] for item in objects}
    known = {
        f"{name}.{key}" for name, row in rows.items() for key in ("color", "side") if key in row
    }
    return sentences(it, "instructions", raw, known)


def sentences(it: Complaints, where: str, raw: Any, known: Collection[str]) -> tuple[str, ...]:
    """The sentences of a list; what stands in their braces must be known, such as `cube.color`."""
    good = it.texts(where, raw, "a list of sentences")
    for i, sentence in enumerate(raw if isinstance(raw, list) else []):
        place = f"{where}.{i}"
        for field in _fields(it, place, sentence) if isinstance(sentence, str) else ():
            it.one_of(place, field, "field", known)
    return good


def _fields(it: Complaints, where: str, sentence: str) -> list[str]:
    """What stands in braces, sorted."""
    try:
        fields = {
            name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            for _, name, form, conversion in string.Formatter().parse(sentence)
            if name is not None
        }
    except ValueError as error:
        it.say(where, str(error))
        return []
    return sorted(fields)


def _calls(
    it: Complaints, where: str, raw: Any, functions: dict[str, Any], things: Things
) -> tuple[Call, ...]:
    calls = []
    for place, text in _texts(it, where, raw):
        try:
            call = parse(text)
            check(call, "predicate", functions, things, _fits(things))
            calls.append(call)
        except CallError as error:
            it.say(place, str(error))
    return tuple(calls)


def _texts(it: Complaints, where: str, raw: Any) -> list[tuple[str, str]]:
    """Each call of a list, which must not be empty, with its place."""
    if raw is None or not it.expect(where, raw, list, "a list of calls"):
        return []
    if not raw:
        it.empty(where)
    return [
        (f"{where}.{i}", text)
        for i, text in enumerate(raw)
        if it.expect(f"{where}.{i}", text, str, "a call in quotes")
    ]


def _fits(things: Things) -> Fits:
    """Says what is wrong with an object for a parameter of that name."""

    def fits(parameter: str, name: str) -> str:
        return next(filter(None, (unlike(parameter, name, of) for of in things[name])), "")

    return fits


def _text(it: Complaints, key: str) -> str:
    value = it.raw.get(key, "")
    return value if it.expect(key, value, str, "text") else ""
