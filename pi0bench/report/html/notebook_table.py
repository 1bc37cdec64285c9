"""A run's table as HTML, as a notebook shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from pi0bench.report.number_format import NOTHING, printable
from pi0bench.report.run_report import RunReport
from pi0bench.report.terminal_grid import Column, Line
from pi0bench.report.terminal_table import Table, tables


def table_html(report: RunReport) -> str:
    """Return the terminal's table, with every column and without style; words are escaped."""
    return "\n".join(map(_table, tables(report)))


def rows_html(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows with the same names as one table; numbers are rounded to four digits."""
    columns = [Column(name) for name in rows[0]]
    lines = [Line([_shown(value) for value in row.values()]) for row in rows]
    return _table(Table("", columns, lines))


def _shown(value: object) -> str:
    if value is None:
        return NOTHING
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(table: Table) -> str:
    heads = "".join(f"<th>{_text(column.title)}</th>" for column in table.columns)
    body = "\n".join(row for line in table.lines for row in _rows(line, table.columns))
    caption = f"<caption>{_text(table.title)}</caption>\n" if table.title else ""
    return f"<table>\n{caption}<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _rows(line: Line, columns: Iterable[Column]) -> Iterable[str]:
    columns = list(columns)
    if line.above:
        yield f'<tr><th colspan="{len(columns)}">{_text(line.above)}</th></tr>'
    cells = (
        f"<t{kind}>{_text(cell)}</t{kind}>"
        for cell, column in zip(line.cells, columns, strict=True)
        for kind in ["h" if column.kind == "name" else "d"]
    )
    yield f"<tr>{''.join(cells)}</tr>"


def _text(words: str) -> str:
    return escape(printable(words))
