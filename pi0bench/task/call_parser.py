"""Calls such as `on(top, base)` in task files: one call, parsed by `ast`, and no language."""

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

_MAX_LENGTH = 200


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

    def bound(self, names: Mapping[str, str]) -> Call:
        """The call with each of these names replaced by what it stands for."""
        options = tuple((key, names.get(str(v), v)) for key, v in self.options)
        return Call(self.name, tuple(names.get(str(a), a) for a in self.args), options)

    def run(self, functions: Mapping[str, Callable[..., Any]], *first: Any) -> Any:
        """Call the function of that name with `first` before the call's own arguments."""
        return functions[self.name](*first, *self.args, **dict(self.options))


def parse(text: str) -> Call:
    """Read one call.

    Raises:
        CallError: the text is not exactly one call of plain names and numbers.
    """
    tree = None
    if len(text) <= _MAX_LENGTH:
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError), catch_warnings():
            simplefilter("ignore")  # Python comments on some texts that are no call anyway
            tree = ast.parse(text.strip(), mode="eval").body
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
    number = node.value if isinstance(node, ast.Constant) else None
    if isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number):
        return float(number)
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
