"""The summary of a workflow: what a run or a comparison says, in Markdown."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi0bench.errors import StorageError
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.comparison import compare
from pi0bench.report.comparison_input import Entry
from pi0bench.report.github_summary import (
    VARIABLE,
    append_summary,
    comparison_summary,
    run_summary,
)
from pi0bench.report.run_report import run_report
from tests.report.test_comparison import RECORDS
from tests.report.test_faults import read
from tests.report.test_html_page import HOSTILE, written


def test_a_run_has_its_table_and_sentences(tmp_path: Path) -> None:
    report = read(tmp_path, 5)
    text = run_summary(report)
    assert "| pi0 | euler | 10 | 10 | - | 36.4 % [10.9, 69.2] | 5 |" in text
    assert report.footer[0].split("]")[0].lstrip("[") in text
    assert "INCOMPLETE" not in text


def test_nothing_measured_and_hostile_words_are_told(tmp_path: Path) -> None:
    folder = written(tmp_path, (HOSTILE,), status="infra_error")
    text = run_summary(run_report(RunFolder(folder.root), incomplete=True))
    assert "INCOMPLETE" in text
    assert "<img" not in text


def test_it_is_appended_where_the_variable_says(tmp_path: Path) -> None:
    text, path = comparison_summary(compare({"run": Entry(RECORDS)})), tmp_path / "summary.md"
    assert "| **flow · 10 · euler** |" in text
    assert not append_summary(text, {})
    for _ in range(2):
        assert append_summary(text, {VARIABLE: str(path)})
    assert path.read_text("utf-8") == f"{text}\n" * 2
    with pytest.raises(StorageError):
        append_summary(text, {VARIABLE: str(tmp_path)})
