"""On which line of a TOML text each key and each item of a list stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|\n"
    r"|[\[\]{},=.]"
    r"""|[^\s\[\]{},=.#"']+""",
    re.DOTALL,
)
_END = ""


def lines_of(text: str) -> dict[str, int]:
    """Line, from 1, of each dotted place, such as `goal.all.0`; the text must be valid TOML."""
    scan = _Scan(text)
    with suppress(RecursionError):
        scan.document()
    return scan.lines


class _Scan:
    def __init__(self, text: str) -> None:
        self.lines: dict[str, int] = {}
        self._items: dict[str, int] = {}
        self._tokens = self._read(text)
        self._next, self._line = _END, 1
        self._step()

    def _read(self, text: str) -> Iterator[tuple[str, int]]:
        line, at = 1, 0
        for match in _TOKEN.finditer(text):
            line += text.count("\n", at, match.start())
            at = match.start()
            if not match[0].startswith("#"):
                yield match[0], line

    def _step(self) -> str:
        token = self._next
        self._next, self._line = next(self._tokens, (_END, self._line))
        return token

    def _skip(self, *tokens: str) -> None:
        while self._next in tokens and self._next != _END:
            self._step()

    def document(self) -> None:
        table = ""
        while self._next != _END:
            self._skip("\n")
            if self._next == "[":
                line = self._line
                self._step()
                of_list = self._next == "["
                self._skip("[")
                table = self._key("", line)
                self._skip("]")
                if of_list:  # `[[link]]` is the next item of a list of tables
                    item = self._items[table] = self._items.get(table, -1) + 1
                    table = f"{table}.{item}"
                    self.lines[table] = line
            elif self._next != _END:
                self._pair(table)

    def _pair(self, table: str) -> None:
        place = self._key(table, self._line)
        self._skip("=")
        self._value(place)

    def _key(self, place: str, line: int) -> str:
        while self._next not in ("=", "]", "\n", _END):
            if (token := self._step()) != ".":
                place = f"{place}.{_plain(token)}".lstrip(".")
                self.lines.setdefault(place, line)
        return place

    def _value(self, place: str) -> None:
        if self._next == "[":
            self._step()
            self._skip("\n", ",")
            item = 0
            while self._next not in ("]", _END):
                self.lines.setdefault(f"{place}.{item}", self._line)
                self._value(f"{place}.{item}")
                self._skip("\n", ",")
                item += 1
            self._step()
        elif self._next == "{":
            self._step()
            self._skip("\n", ",")
            while self._next not in ("}", _END):
                self._pair(place)
                self._skip("\n", ",")
            self._step()
        else:
            while self._next not in (",", "]", "}", "\n", _END):
                self._step()


def _plain(token: str) -> str:
    """The key itself, without its quotes."""
    if token[0] not in "\"'":
        return token
    return next(iter(tomllib.loads(f"{token} = 0")))
