"""How numbers and foreign strings are written in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pi0bench.stats.success_intervals import Interval

NOTHING = "-"

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # After the end of a row these two would be read as options of it.
    "[": "{[}",
    "*": "{*}",
    "·": r"$\cdot$",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
_MARKDOWN = re.compile(
    r"[\\|`*~$]"
    r"|(?<!\w)_|_(?!\w)"  # within a word it is an underscore
    r"|(?<=\])[(\[:]"  # a link needs both brackets
    r"|^[#>]"
)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001


def percent(rate: float | None) -> str:
    """Write a rate in [0, 1] as per cent, a dash for none."""
    return NOTHING if rate is None else f"{100 * rate:.1f} %"


def whole(rate: float | None) -> str:
    """Write a rate in [0, 1] as whole per cent without the sign, a dash for none."""
    return NOTHING if rate is None else f"{100 * rate:.0f}"


def percents(interval: Interval) -> str:
    """Write an interval of rates as per cent."""
    return f"[{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def points(interval: Interval) -> str:
    """Write an interval of differences of rates, in points of per cent."""
    return f"[{100 * interval.low:+.1f}, {100 * interval.high:+.1f}]"


def span(interval: Interval | None) -> str:
    """Write an interval of seconds, nothing for none."""
    return "" if interval is None else f"[{interval.low:.1f}, {interval.high:.1f}]"


def plain(number: float | None, digits: int = 2) -> str:
    """Write a number with at most so many decimals, a dash for none."""
    if number is None:
        return NOTHING
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def printable(text: str) -> str:
    """Return `text` with spaces for line ends and "?" for other control characters."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.splitlines()))


def shown(text: str) -> str:
    """Return `text` with its line ends and "?" for other control characters, as a terminal needs.

    Escape sequences begin with one, and so do the marks that turn the direction of writing.
    """
    return "\n".join(map(printable, text.split("\n")))


class Marked(str):
    """Markdown that was made here, of words that are harmless already."""


def bold(text: str) -> Marked:
    """Return `text` as bold Markdown."""
    return Marked(f"**{in_markdown(text)}**")


def italic(text: str) -> Marked:
    """Return `text` as italic Markdown."""
    return Marked(f"*{in_markdown(text)}*")


def code(text: str) -> Marked:
    """Return `text`, a name, as code in Markdown."""
    return Marked(f"`{in_markdown(text)}`")


def in_markdown(text: str) -> str:
    """Return `text` so that it is read as it stands, cannot leave its table cell, or become HTML.

    What is `Marked` stays as it is.
    """
    if isinstance(text, Marked):
        return text
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKDOWN.sub(r"\\\g<0>", text)


def in_latex(text: str) -> str:
    """Return `text` so that LaTeX prints it and does not obey it; "?" for what it may not have."""
    return "".join(_LATEX.get(c, c if c.isascii() else "?") for c in printable(text))


def in_sheet(text: str) -> str:
    """Return `text` so that a spreadsheet shows it and does not compute it."""
    text = printable(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def markdown_table(
    names: Sequence[str],
    lines: Iterable[Sequence[str]],
    words: int,
    above: Sequence[str] = (),
) -> str:
    """Return a Markdown table whose first columns, `words` of them, stand on the left.

    Args:
        names: of the columns.
        lines: cells of the rows.
        words: columns on the left.
        above: for each row the name of the group that begins there, or "".
    """
    rulers = ["---"] * words + ["---:"] * (len(names) - words)
    rows: list[Sequence[str]] = [names, rulers]
    for line, heading in zip_longest(lines, above, fillvalue=""):
        rows += [[italic(heading), *[""] * (len(names) - 1)]] if heading else []
        rows.append(line)
    return "\n".join(f"| {' | '.join(map(in_markdown, row))} |" for row in rows)
