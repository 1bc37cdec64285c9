"""Reading untrusted data with every complaint collected: where it stands, what, what would work."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from functools import cached_property
from typing import Any

from pi0bench.content.toml_lines import lines_of
from pi0bench.errors import unknown

_MAX_SAID = 300
Range = tuple[float, float]


class Complaints:
    """The parsed TOML of one file, and what is wrong with it."""

    def __init__(self, shown: str, text: str, raw: dict[str, Any]) -> None:
        self._found: list[tuple[int, str]] = []
        self._shown, self._text_read, self.raw = shown, text, raw

    @property
    def problems(self) -> list[str]:
        """Every complaint as `file:line: where: what`, in the order of lines."""
        return [f"{self._shown}:{line}: {said}" for line, said in sorted(self._found, key=_first)]

    def say(self, where: str, what: str) -> None:
        """Complain of a dotted place, such as `goal.all.0`."""
        said = f"{where}: {what}"
        if len(said) > _MAX_SAID:
            said = f"{said[:_MAX_SAID]} …"
        printable = "".join(c if c.isprintable() else "?" for c in said)
        self._found.append((self._line(where), printable))

    def empty(self, where: str) -> tuple[()]:
        """Complain of a list without items."""
        self.say(where, "must not be empty")
        return ()

    def expect(self, where: str, value: Any, kind: type, words: str) -> bool:
        """True when the value is of that kind; else a complaint in these words."""
        if isinstance(value, kind):
            return True
        self.say(where, f"must be {words}; got {brief(value)}")
        return False

    def table(self, where: str, value: Any, words: str = "a table") -> dict[str, Any]:
        """The value if it is a table, else an empty one and a complaint."""
        return value if self.expect(where, value, dict, words) else {}

    def texts(self, where: str, value: Any, words: str) -> tuple[str, ...]:
        """The texts of a list; what is none is complained of and left out."""
        if not self.expect(where, value, list, words):
            return ()
        good = [self.expect(f"{where}.{i}", x, str, "text in quotes") for i, x in enumerate(value)]
        return tuple(x for x, fits in zip(value, good, strict=True) if fits)

    def number(self, where: str, value: Any, low: float, high: float) -> float:
        """The value if it is a number in these limits, else the lower one and a complaint."""
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if not good or not low <= value <= high:
            self.say(where, f"must be a number from {low:g} to {high:g}; got {brief(value)}")
            return low
        return float(value)

    def range(self, where: str, value: Any, low: float, high: float) -> Range:
        """The value if it is [least, greatest] in these limits, else the limits and a complaint."""
        if not isinstance(value, list) or len(value) != 2:
            self.say(where, "must be [least, greatest]")
            return low, high
        known = len(self._found)
        a, b = (self.number(where, x, low, high) for x in value)
        if a > b and known == len(self._found):
            self.say(where, f"least {a:g} is greater than greatest {b:g}")
        return a, b

    def numbers(
        self, where: str, value: Any, words: str, count: int, low: float, high: float
    ) -> tuple[float, ...]:
        """The value if it is that many numbers in these limits, else zeros and a complaint."""
        if not isinstance(value, list) or len(value) != count:
            self.say(where, f"must be {words}")
            return (0.0,) * count
        return tuple(self.number(where, item, low, high) for item in value)

    def vector(self, where: str, value: Any) -> tuple[float, float, float]:
        """The value if it is [x, y, z], each within a metre, else zeros and a complaint."""
        x, y, z = self.numbers(where, value, "[x, y, z]", 3, -1, 1)
        return x, y, z

    def one_of(self, where: str, value: Any, kind: str, known: Collection[str]) -> str:
        """The value as text; a complaint when it is none of the known ones."""
        if value not in known:
            self.say(where, unknown(kind, brief(value), known))
        return brief(value)

    def keys(
        self,
        where: str,
        raw: dict[str, Any],
        known: tuple[str, ...],
        required: tuple[str, ...] = (),
    ) -> None:
        """Complain of keys that are not known, and of required ones that are missing."""
        for key in raw:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f'did you mean "{near[0]}"?' if near else "known: " + ", ".join(known)
                self.say(f"{where}.{key}".lstrip("."), f"unknown key; {hint}")
        for key in required:
            if key not in raw:
                self.say(where or key, f'"{key}" is missing')

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


def brief(value: Any) -> str:
    """The value in words that fit on a line of complaint."""
    try:
        return str(value)[:60]
    except ValueError:  # Python does not write out whole numbers of thousands of digits
        return "a huge number"
