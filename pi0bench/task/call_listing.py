"""Every call that a task file may make, with what it takes and what it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pi0bench.task.expert.skill_registry import SKILLS
from pi0bench.task.object_needs import NEEDS
from pi0bench.task.predicates import MEASURES, PREDICATES
from pi0bench.task.scripts import SCRIPTS


def calls() -> dict[str, dict[str, str]]:
    """By where they stand in a task file: each call's signature, and its meaning in words."""
    found = {
        "skills, for plan": _explained(SKILLS),
        "predicates, for goal, stages, modes and conditions": _explained(PREDICATES),
        "measures, for score": _explained(MEASURES),
    }
    for kind, script in SCRIPTS.items():
        own = {**script().predicates(), **script().measures()}
        found[f'with [script] kind = "{kind}", about {script.wants}'] = _explained(own)
    return found


def signature(function: Callable[..., Any]) -> str:
    """What a call of it takes: its parameters but the first, which is the world."""
    own = [*inspect.signature(function).parameters.values()][1:]
    return f"({', '.join(str(p).split(':')[0] + _default(p) for p in own)})"


def _explained(functions: Mapping[str, Callable[..., Any]]) -> dict[str, str]:
    return {
        f"{name}{signature(function)}": f"{_first_line(function)}{_needs(function)}"
        for name, function in sorted(functions.items())
    }


def _default(parameter: inspect.Parameter) -> str:
    return "" if parameter.default is parameter.empty else f"={parameter.default:g}"


def _first_line(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")


def _needs(function: Callable[..., Any]) -> str:
    own = [*inspect.signature(function).parameters][1:]
    needs = {name: NEEDS[name].has for name in own if name in NEEDS}
    return "".join(f" {name}: an object that has {has}." for name, has in needs.items())
