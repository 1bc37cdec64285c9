"""LaTeX that compiles, whatever the names are; where LaTeX is installed, it is compiled."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from pi0bench.records.record import Record
from pi0bench.report.comparison import compare
from pi0bench.report.comparison_input import Entry
from pi0bench.report.condition_profile import profiles
from pi0bench.report.headline_table import headline
from pi0bench.report.latex_table import comparison_latex, run_latex
from pi0bench.report.number_format import in_latex
from pi0bench.report.shared_episodes import best
from pi0bench.report.success_table import footer, summarize
from tests.fake_records import cell, record

HOSTILE = "\\input{x}&%$#_{}~^[*<>|\"'` \u03c0\n\\end{tabular}"
DOCUMENT = (
    "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n%s\\end{document}\n"
)


def measured(policies: Sequence[str], tasks: Sequence[str], n: int = 20) -> list[Record]:
    """The later a policy, the more it fails; the first two are the same."""
    return [
        record(cell(e, policy=policy, task=task), "failure" if e < 9 * (rank // 2) else "success")
        for rank, policy in enumerate(policies)
        for task in tasks
        for e in range(n)
    ]


def table(records: list[Record]) -> str:
    rows = summarize(records, [])
    found = headline(profiles(rows, records, [], []), best(records))
    return run_latex(found, footer(records))


def rows_of(tex: str) -> list[list[str]]:
    """The cells of the rows, heads included."""
    body = re.sub(r"\\shortstack\[.\]\{(.*?)\}(?= &| \\\\$)", "stacked", tex, flags=re.MULTILINE)
    lines = [line for line in body.splitlines() if line.endswith(r" \\")]
    return [re.split(r"(?<!\\) & ", line.removesuffix(r" \\")) for line in lines]


def assert_sound(tex: str) -> None:
    """Environments and braces are balanced, and each row has the columns that are declared."""
    stack: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", tex):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    bare = re.sub(r"\\[{}]", "", tex)
    assert bare.count("{") == bare.count("}")
    for part in tex.split(r"\begin{table}")[1:]:
        declared = re.search(r"\\begin\{tabular\}\{@\{\}([lr]+)@\{\}\}", part)
        assert declared
        assert {len(row) for row in rows_of(part)} == {len(declared[1])}


@pytest.mark.parametrize("tasks", [1, 3, 7])
def test_tables_are_sound(tasks: int) -> None:
    records = measured(("flow", "ddim", "bc"), [f"task_{i}" for i in range(tasks)])
    tex = table(records)
    assert_sound(tex)
    assert tex == table(records[::-1])
    assert ("tab:pi0bench-tasks" in tex) == (tasks == 7)
    assert ("stacked" in str(rows_of(tex)[0][-1])) == (tasks == 3)


def test_all_of_the_best_are_bold_and_no_other() -> None:
    bold = [row[0] for row in rows_of(table(measured(("flow", "ddim", "bc"), ("a", "b"))))]
    assert bold == ["policy", r"\textbf{ddim}", r"\textbf{flow}", "bc"]


def test_nothing_is_bold_where_no_episode_is_shared() -> None:
    records = [*measured(("flow",), ("a",)), *measured(("bc",), ("b",))]
    assert "textbf" not in table(records)
    assert "textbf" not in table(measured(("flow",), ("a", "b")))


@pytest.mark.parametrize("special", "\\&%$#_{}~^[*<>|")
def test_special_characters_are_escaped(special: str) -> None:
    text = in_latex(f"a{special}b")
    assert text not in (f"a{special}b", "ab")
    assert re.fullmatch(r"a(\\[&%$#_{}]|\\text\w+\{\}|\{[\[*]\})b", text)


def test_a_hostile_name_stays_in_its_cell() -> None:
    records = measured((HOSTILE, "flow"), (HOSTILE, "b"))
    for tex in (table(records), comparison_latex(compare({"run": Entry(records)}))):
        assert_sound(tex)
        assert r"\input{" not in tex
        assert "\u03c0" not in tex


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex is installed")
def test_it_compiles(tmp_path: Path) -> None:
    records = measured((HOSTILE, "flow", "bc"), (HOSTILE, "b", "c"))
    many = measured((HOSTILE, "flow"), [HOSTILE, *(f"task_{i}" for i in range(6))])
    text = table(records) + table(many) + comparison_latex(compare({"run": Entry(records)}))
    (tmp_path / "paper.tex").write_text(DOCUMENT % f"\n{text}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
