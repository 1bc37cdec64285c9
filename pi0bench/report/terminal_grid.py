"""Tables in a terminal: whatever its width, the names stay and no number is cut.

A table that does not fit is set closer, then its less important columns go, then its names are
broken over several lines, and at last each row becomes a paragraph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pi0bench.report.line_wrapping import folded
from pi0bench.report.number_format import printable

if TYPE_CHECKING:
    from rich.box import Box
    from rich.console import Console

FIRST_TO_GO = ("between", "tasks", "evaluations", "seconds", "milliseconds", "rho", "p", "rate")
"""What a narrow terminal does without, in this order; columns of no such kind stay."""

_BREAKS = {"name": r"[ _/·-]", "prose": r" "}
_WANTED = {"name": 24, "prose": 36}
"""So many characters of words are kept on one line before other columns go."""

_LEAST = {"name": 10, "prose": 24}
_HEAD_WIDTH = 9


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        head: its title; line ends are kept, and underscores are places to break it.
        kind: words may be broken over several lines, numbers may not.
        goes: one of `FIRST_TO_GO`; empty when it never goes.
        once: a name that is the row's above as well is left out.
    """

    head: str
    kind: Literal["number", "name", "prose"] = "number"
    goes: str = ""
    once: bool = False

    @property
    def words(self) -> bool:
        """True when it stands on the left and may be broken."""
        return self.kind != "number"

    @property
    def title(self) -> str:
        """The head on one line."""
        return printable(self.head.replace("/\n", "/"))


FAULTY = Column("policy\nfaults")
"""Where there are some they are always shown."""


@dataclass(frozen=True)
class Line:
    """One row.

    Attributes:
        cells: one for each column.
        style: how they are written.
        ends: a section ends with it.
        above: the name of the group that begins with it, or "".
    """

    cells: Sequence[str]
    style: str = ""
    ends: bool = False
    above: str = ""


@dataclass(frozen=True)
class _Style:
    """How close columns stand: with rules between them or `gap` blanks, heads broken or not."""

    ruled: bool
    gap: int
    head_width: int = _HEAD_WIDTH

    def around(self, columns: int) -> int:
        """Characters beside those of the cells."""
        return 3 * columns + 1 if self.ruled else self.gap * (columns - 1)


_RULED, _TIGHT = _Style(True, 1), _Style(False, 1, head_width=0)
_OPEN = (_Style(False, 2), _Style(False, 1), _TIGHT)


def print_grid(
    columns: Sequence[Column],
    lines: Sequence[Line],
    console: Console,
    elsewhere: str = "",
    ruled: bool = False,
) -> None:
    """Print a table; whatever others wrote in it is shown, not obeyed.

    Args:
        columns: those in words first.
        lines: its rows.
        console: where to.
        elsewhere: a sentence on where those columns are that the terminal has no room for.
        ruled: draw lines between the columns where there is room.
    """
    from rich.text import Text

    lines = [replace(line, cells=[*map(printable, line.cells)]) for line in lines]
    styles = (_RULED, *_OPEN) if ruled else _OPEN
    kept = range(len(columns))
    for going in ("", *FIRST_TO_GO):
        kept = [i for i in kept if not going or columns[i].goes != going]
        for style in styles:
            widths = _widths(columns, lines, kept, style, _WANTED, console.width)
            if widths:
                break
        else:
            continue
        break
    else:
        style = _TIGHT
        widths = _widths(columns, lines, kept, style, _LEAST, console.width)
    if not widths:
        for text in _stacked(columns, lines, console.width):
            console.print(text, soft_wrap=True)
        return
    console.print(_table(columns, lines, widths, style))
    gone = [column.title for i, column in enumerate(columns) if i not in widths]
    if gone:
        said = f"No room for {', '.join(gone)} in {console.width} columns. {elsewhere}".rstrip()
        console.print(Text(said, style="dim"))


def _widths(
    columns: Sequence[Column],
    lines: Sequence[Line],
    kept: Sequence[int],
    style: _Style,
    words: dict[str, int],
    width: int,
) -> dict[int, int]:
    """The width of each column that is kept, by its place; empty when they do not fit."""
    from rich.cells import cell_len

    longest: dict[int, int] = {}
    for i in kept:
        heads = _head(columns[i].head, style.head_width)
        longest[i] = max(map(cell_len, [*heads, *(line.cells[i] for line in lines)]))
    first, above = kept[0], [f"{line.above}:" for line in lines if line.above]
    longest[first] = max([longest[first], *map(cell_len, " ".join(above).split())])
    found = {i: min(n, words.get(columns[i].kind, n)) for i, n in longest.items()}
    left = width - style.around(len(kept)) - sum(found.values())
    if left < 0:
        return {}
    longest[first] = max([longest[first], *map(cell_len, above)])
    for i in found:
        more = min(left, longest[i] - found[i])
        found[i] += more
        left -= more
    return found


def _table(
    columns: Sequence[Column], lines: Sequence[Line], widths: dict[int, int], style: _Style
) -> object:
    from rich.table import Table
    from rich.text import Text

    headed = any(column.head for column in columns)
    table = Table(
        box=_box(style) if headed else None,
        show_edge=style.ruled,
        padding=(0, 1) if style.ruled else (0, style.gap - headed, 0, 0),
        pad_edge=style.ruled,
        show_header=headed,
    )
    for i, width in widths.items():
        head = Text("\n".join(_head(columns[i].head, style.head_width)))
        justify = "left" if columns[i].words else "right"
        table.add_column(head, justify=justify, no_wrap=True, width=width, vertical="top")
    above: Sequence[str] = ()
    for line in lines:
        if line.above:
            first = next(iter(widths.values()))
            table.add_section()
            table.add_row("\n".join(folded(f"{line.above}:", first, " ")), style="italic")
            above = ()
        cells = [
            "" if columns[i].once and above and above[i] == line.cells[i] else line.cells[i]
            for i in widths
        ]
        broken = [
            folded(cell, width, _BREAKS[columns[i].kind]) if columns[i].words else [cell]
            for cell, (i, width) in zip(cells, widths.items(), strict=True)
        ]
        table.add_row(*(Text("\n".join(part)) for part in broken), style=line.style or None)
        above = line.cells
        if line.ends:
            table.add_section()
            above = ()
    return table


def _box(style: _Style) -> Box:
    from rich import box

    return box.HEAVY_HEAD if style.ruled else box.SIMPLE_HEAD


def _head(text: str, width: int) -> list[str]:
    """A head in lines, broken at underscores to at most `width` characters where they allow it."""
    return [
        part
        for line in text.split("\n")
        for part in folded(printable(line), width, "_", whole=True)
    ]


def _stacked(columns: Sequence[Column], lines: Sequence[Line], width: int) -> Iterator[object]:
    """Each row as a paragraph: its names, and below them what there is to say, a line each."""
    from rich.cells import cell_len
    from rich.text import Text

    said = [i for i, column in enumerate(columns) if column.kind != "name"]
    titles = {i: columns[i].title for i in said}
    longest = max(map(cell_len, titles.values()), default=0)
    numbers = [line.cells[i] for line in lines for i in said if not columns[i].words]
    beside = 4 + longest + max(map(cell_len, numbers), default=0) <= width
    for line in lines:
        if line.above:
            yield Text(f"{line.above}:", style="italic")
        names = [cell for i, cell in enumerate(line.cells) if i not in titles and cell]
        for part in folded(" · ".join(names), width, _BREAKS["name"]):
            yield Text(part, style="bold")
        for i, title in titles.items():
            if beside and not columns[i].words:
                yield Text(f"  {title:{longest}}  {line.cells[i]}")
                continue
            yield from [Text(f"  {title}")] if title else []
            words = columns[i].words
            for part in folded(line.cells[i], width - 4, " ") if words else [line.cells[i]]:
                yield Text(f"    {part}")
