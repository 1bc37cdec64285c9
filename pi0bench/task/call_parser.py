"""Calls such as `on(top, base)` in task files: parsed by `ast`, never executed as Python.

A rule is a call that may say when it holds: `pick(b) if on(a, base) and not held(a)`.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from warnings import catch_warnings, simplefilter

from pi0bench.errors import unknown

_MAX_LENGTH = 300


class CallError(ValueError):
    """A call that cannot be understood; the message says why and what would work."""


@dataclass(frozen=True)
class Call:
    """A function's name with its arguments: object names (str) and numbers (float)."""

    name: str
    args: tuple[str | float, ...] = ()
    options: tuple[tuple[str, str | float], ...] = ()

    def __str__(self) -> str:
        words = [str(a) for a in self.args] + [f"{key}={value}" for key, value in self.options]
        return f"{self.name}({', '.join(words)})"

    @property
    def things(self) -> tuple[str, ...]:
        """The objects among its arguments, in their order."""
        return tuple(arg for arg in self.args if isinstance(arg, str))

    def bound(self, names: Mapping[str, str]) -> Call:
        """The call with each of these names replaced by what it stands for."""
        options = tuple((key, names.get(str(v), v)) for key, v in self.options)
        return Call(self.name, tuple(names.get(str(a), a) for a in self.args), options)

    def run(self, functions: Mapping[str, Callable[..., Any]], *first: Any) -> Any:
        """Call the function of that name with `first` before the call's own arguments."""
        return functions[self.name](*first, *self.args, **dict(self.options))


@dataclass(frozen=True)
class Condition:
    """A predicate's call and the answer that is wanted."""

    call: Call
    wanted: bool = True

    def __str__(self) -> str:
        return str(self.call) if self.wanted else f"not {self.call}"


@dataclass(frozen=True)
class Rule:
    """A skill's call and what must be so for it: all of it, or nothing."""

    call: Call
    conditions: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        asked = " and ".join(map(str, self.conditions))
        return f"{self.call} if {asked}" if asked else str(self.call)

    def bound(self, names: Mapping[str, str]) -> Rule:
        """The rule with each of these names replaced by what it stands for."""
        conditions = (Condition(c.call.bound(names), c.wanted) for c in self.conditions)
        return Rule(self.call.bound(names), tuple(conditions))

    def holds(self, predicates: Mapping[str, Callable[..., bool]], *first: Any) -> bool:
        """True when each predicate, called with `first` before its own arguments, says so."""
        return all(c.call.run(predicates, *first) == c.wanted for c in self.conditions)


def parse_rule(text: str) -> Rule:
    """Read a call and, after `if`, the calls that must be true, or false after `not`.

    Raises:
        CallError: the text is no such rule.
    """
    call, separator, conditions = text.partition(" if ")
    if not separator:
        return Rule(parse(call))
    tree = _tree(conditions)
    parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
    return Rule(parse(call), tuple(_condition(part, text) for part in parts))


def _condition(tree: ast.expr | None, text: str) -> Condition:
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return Condition(_call(tree.operand, text), wanted=False)
    return Condition(_call(tree, text))


def parse(text: str) -> Call:
    """Read one call.

    Raises:
        CallError: the text is not exactly one call of plain names and numbers.
    """
    return _call(_tree(text), text)


def _tree(text: str) -> ast.expr | None:
    """What Python would read; None where it would read nothing."""
    if len(text) <= _MAX_LENGTH:
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError), catch_warnings():
            simplefilter("ignore")  # Python comments on some texts that are no call anyway
            return ast.parse(text.strip(), mode="eval").body
    return None


def _call(tree: ast.expr | None, text: str) -> Call:
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise CallError(f'"{text[:60]}" is not a call such as on(top, base)')
    options = []
    for keyword in tree.keywords:
        if keyword.arg is None:
            raise CallError(f'"{text[:60]}": ** is not allowed')
        options.append((keyword.arg, _value(keyword.value, text)))
    return Call(tree.func.id, tuple(_value(arg, text) for arg in tree.args), tuple(options))


def _value(node: ast.expr, text: str) -> str | float:
    if isinstance(node, ast.Name):
        return node.id
    sign = 1.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1.0, node.operand
    number = node.value if isinstance(node, ast.Constant) else None
    if isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number):
        return sign * float(number)
    raise CallError(f'"{text[:60]}": an argument is an object\'s name or a number')


Fits = Callable[[str, str], str]
"""What is wrong with an object for a parameter of that name; "" when it fits."""


def check(
    call: Call,
    kind: str,
    functions: Mapping[str, Callable[..., Any]],
    objects: Collection[str],
    fits: Fits = lambda parameter, name: "",
) -> None:
    """Check a call against the function's signature, whose first parameter is not its own.

    Raises:
        CallError: an unknown function or object, or arguments that do not fit.
    """
    if call.name not in functions:
        raise CallError(unknown(kind, call.name, functions))
    signature = inspect.signature(functions[call.name])
    own = list(signature.parameters.values())[1:]
    try:
        bound = signature.replace(parameters=own).bind(*call.args, **dict(call.options))
    except TypeError as error:
        wanted = ", ".join(str(p).split(":")[0] for p in own)
        raise CallError(f"{call}: {error}; it is {call.name}({wanted})") from None
    for name, value in bound.arguments.items():
        expects_object = signature.parameters[name].annotation in ("str", str)
        if expects_object and not isinstance(value, str):
            raise CallError(f"{call}: {name} is an object's name, not {value}")
        if expects_object and value not in objects:
            raise CallError(unknown("object", str(value), objects))
        if not expects_object and isinstance(value, str):
            raise CallError(f'{call}: {name} is a number, not "{value}"')
        if expects_object and (wrong := fits(name, str(value))):
            raise CallError(f"{call}: {wrong}")
