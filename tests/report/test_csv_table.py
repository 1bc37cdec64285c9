"""CSV: every number by itself and at full precision, and no cell that is a formula."""

from __future__ import annotations

import csv

import pytest

from pi0bench.records.record import Record, Timing
from pi0bench.report.csv_table import run_sheets
from pi0bench.report.number_format import in_sheet
from pi0bench.report.shared_episodes import best
from pi0bench.report.success_table import summarize
from pi0bench.stats.success_intervals import clopper_pearson
from tests.fake_records import cell, record


def read(records: list[Record]) -> list[dict[str, str]]:
    timings = [Timing(r.cell.key(), 0.1, 0.1 + r.cell.episode) for r in records]
    sheets = run_sheets(summarize(records, timings), best(records))
    return [line for sheet in sheets for line in csv.DictReader(sheet.splitlines())]


def test_means_are_apart_from_what_they_are_of() -> None:
    records = [*measured("flow", "a", 3), *measured("flow", "b", 9)]
    tasks, means = run_sheets(summarize(records, []), best(records))
    assert [line["task"] for line in csv.DictReader(tasks.splitlines())] == ["a", "b"]
    assert [line["task"] for line in csv.DictReader(means.splitlines())] == ["mean of 2 tasks"]
    assert run_sheets(summarize(records[:9], []), best(records[:9]))[1] == ""


def measured(policy: str, task: str, won: int, **changes: object) -> list[Record]:
    cells = [cell(e, policy=policy, task=task, **changes) for e in range(9)]
    return [record(c, "success" if c.episode < won else "failure") for c in cells]


def test_a_line_each_task_and_the_mean_at_full_precision() -> None:
    lines = read([*measured("flow", "a", 3), *measured("flow", "b", 9)])
    assert [line["task"] for line in lines] == ["a", "b", "mean of 2 tasks"]
    assert float(lines[0]["rate"]) == 3 / 9
    assert float(lines[0]["rate_low95"]) == clopper_pearson(3, 9).low
    assert float(lines[0]["replan_p50_ms"]) == 4.1
    assert (lines[0]["successes"], lines[0]["n"], lines[2]["n"]) == ("3", "9", "18")


def test_the_best_are_marked_where_all_tasks_count() -> None:
    records = [
        *(r for task in "ab" for r in measured("flow", task, 9)),
        *(r for task in "ab" for r in measured("bc", task, 0, steps=0, solver="none")),
    ]
    marks = {(line["policy"], line["task"]): line["not_told_from_best"] for line in read(records)}
    assert marks["flow", "mean of 2 tasks"] == "yes"
    assert marks["bc", "mean of 2 tasks"] == "no"
    assert marks["flow", "a"] == ""
    assert {line["solver"] for line in read(records) if line["policy"] == "bc"} == {""}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"])
def test_a_cell_that_a_spreadsheet_would_compute_is_quoted(text: str) -> None:
    assert not in_sheet(text).lstrip().startswith(("=", "+", "-", "@"))
    lines = read(measured(text, '=HYPERLINK("x"),"y"\n', 3))
    assert [line["policy"] for line in lines] == [in_sheet(text)]
    assert lines[0]["task"] == '\'=HYPERLINK("x"),"y"'


def test_numbers_and_usual_names_stay_as_they_are() -> None:
    assert in_sheet("pi0-zero_2") == "pi0-zero_2"
