"""The table of a notebook: the terminal's, and what others wrote in it is shown, not obeyed."""

from __future__ import annotations

from pathlib import Path

from pi0bench.report.html.notebook_table import table_html
from pi0bench.report.run_report import run_report
from tests.report.test_faults import read
from tests.report.test_html_page import HOSTILE, Elements, written


def test_the_conditions_side_by_side(tmp_path: Path) -> None:
    page = table_html(read(tmp_path, 5))
    assert page.startswith("<table>\n<caption>Success in %, stack, 11 episodes a task")
    assert "<th>pi0</th><th>euler</th><td>10</td><td>10</td><td>36.4</td>" in page
    assert page.count("<tr>") == 3


def test_a_single_condition_shows_its_tasks_and_hostile_words(tmp_path: Path) -> None:
    seen = Elements(table_html(run_report(written(tmp_path, (HOSTILE,)))))
    assert {tag for tag, _ in seen.found} == {
        *("table", "caption", "thead", "tbody", "tr", "th", "td")
    }
    assert seen.words.count(HOSTILE) == 2
    assert "mean of 2 tasks" in seen.words
