"""A run's table as HTML, as a notebook shows it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from pi0bench.report.number_format import printable
from pi0bench.report.run_report import RunReport
from pi0bench.report.terminal_grid import Column, Line
from pi0bench.report.terminal_table import Table, tables


def table_html(report: RunReport) -> str:
    """Return the terminal's table, with every column and without style; words are escaped."""
    return "\n".join(map(_table, tables(report)))


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
