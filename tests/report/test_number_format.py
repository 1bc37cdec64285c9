"""Words of others in every kind of page: shown, not obeyed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest

from pi0bench.report.number_format import (
    bold,
    in_latex,
    in_markdown,
    in_sheet,
    markdown_table,
    printable,
    shown,
)

CONTROL = "a\x1b[31mb\x9b31mc\u202ed\u2066e\x07f\u200bg"


@pytest.mark.parametrize("way", [printable, shown, in_markdown, in_latex, in_sheet])
def test_no_page_gets_a_control_character(way: Callable[[str], str]) -> None:
    text = way(CONTROL)
    assert text.isprintable()
    assert "a?" in text
    assert text.endswith("f?g")


def test_a_terminal_keeps_line_ends_and_nothing_else() -> None:
    assert shown("a\r\nb\tc\n") == "a\nb?c\n"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("stack_two_cubes", "stack_two_cubes"),
        ("_emphasis_", r"\_emphasis\_"),
        ("**bold** `code` ~~no~~ $x$", r"\*\*bold\*\* \`code\` \~\~no\~\~ \$x\$"),
        ("[click](http://evil)", r"[click]\(http://evil)"),
        ("![x](http://evil/p.png)", r"![x]\(http://evil/p.png)"),
        ("[x]: http://evil", r"[x]\: http://evil"),
        ("[low, high] is the 95 % interval", "[low, high] is the 95 % interval"),
        ("<b>&", "&lt;b>&amp;"),
        ("# title", r"\# title"),
        ("> quoted", r"\> quoted"),
        ("a\\|b", r"a\\\|b"),
    ],
)
def test_markdown_is_read_as_it_stands(text: str, written: str) -> None:
    assert in_markdown(text) == written


def test_bold_is_ours_alone() -> None:
    assert bold("a*b|c") == r"**a\*b\|c**"
    table = markdown_table(["n"], [[bold("pi0")], ["**pi0**"]], words=1)
    assert table.splitlines()[2:] == ["| **pi0** |", r"| \*\*pi0\*\* |"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_a_spreadsheet_computes_nothing(start: str) -> None:
    text = in_sheet(f'{start}cmd|" /C calc"!A0\r\n')
    out = io.StringIO()
    csv.writer(out).writerow([text])
    [[cell]] = csv.reader(io.StringIO(out.getvalue()))
    assert cell.startswith("'")
