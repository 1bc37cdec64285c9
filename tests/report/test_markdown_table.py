from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from pi0bench.errors import UsageError
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.report.markdown_table import markdown
from pi0bench.report.success_table import footer, summarize
from pi0bench.report.terminal_table import condition_tables, print_tables
from pi0bench.stats.success_intervals import clopper_pearson

GOLDEN = Path(__file__).parent / "golden_table.md"

Cells = Callable[..., Cell]
Records = Callable[..., Record]


@pytest.fixture
def measured(make_cell: Cells, make_record: Records) -> tuple[list[Record], list[Timing]]:
    """Two tasks under two conditions, with every status and a task called `a|b<i>`."""
    records: list[Record] = []
    for steps in (1, 10):
        for task in ("stack", "a|b<i>"):
            for episode in range(8):
                won = episode < (7 if steps == 10 else 4)
                records.append(
                    make_record(
                        make_cell(episode, task=task, steps=steps),
                        "success" if won else "failure",
                        success_s=2.0 + episode / 2 if won else None,
                        trunk_evaluations=15 * steps,
                    )
                )
    records[7] = make_record(records[7].cell, "policy_fault", replans=0, trunk_evaluations=0)
    records.append(make_record(make_cell(8, steps=1), "infra_error"))
    records.append(make_record(make_cell(9, steps=1), "cancelled"))
    timings = [
        Timing(r.cell.key(), 1.0, None if r.status == "policy_fault" else 10.0 + r.cell.episode)
        for r in records
    ]
    return records, timings


def test_rows_count_what_was_measured(measured: tuple[list[Record], list[Timing]]) -> None:
    rows = summarize(*measured)
    assert [(r.condition.steps, r.task) for r in rows] == [
        (1, "a|b<i>"),
        (1, "stack"),
        (1, "mean of 2 tasks"),
        (10, "a|b<i>"),
        (10, "stack"),
        (10, "mean of 2 tasks"),
    ]
    stack = rows[1]
    assert (stack.successes, stack.n, stack.faults, stack.unmeasured) == (4, 8, 1, 2)
    assert stack.rate == 0.5
    assert stack.interval == clopper_pearson(4, 8)
    assert stack.success_s == 2.75
    assert (stack.timed, stack.replan_ms) == (7, (13.0, pytest.approx(15.7)))
    assert (stack.evaluations, stack.replans) == (1.0, 7 * 15)
    assert stack.progress == 0.75
    mean = rows[5]
    assert mean.is_mean
    assert (mean.successes, mean.n, mean.rate) == (14, 16, 0.875)
    assert mean.interval == clopper_pearson(14, 16)
    assert (mean.success_s, mean.success_s_interval is not None) == (3.5, True)
    assert mean.evaluations == 10.0


def test_the_order_of_records_changes_nothing(measured: tuple[list[Record], list[Timing]]) -> None:
    records, timings = measured
    assert summarize(records[::-1], timings[::-1]) == summarize(records, timings)


def test_the_mean_is_of_rates_not_of_episodes(make_cell: Cells, make_record: Records) -> None:
    records = [make_record(make_cell(e, task="a")) for e in range(9)]
    records.append(make_record(make_cell(0, task="b"), "failure"))
    mean = summarize(records, [])[-1]
    assert mean.rate == 0.5
    assert mean.interval == clopper_pearson(1, 2)


def test_a_task_without_measured_episodes_is_no_zero(
    make_cell: Cells, make_record: Records
) -> None:
    records = [make_record(make_cell(0, task="a")), make_record(make_cell(0), "env_fault")]
    rows = summarize(records, [])
    assert [(r.task, r.rate, r.n) for r in rows] == [
        ("a", 1.0, 1),
        ("stack", None, 0),
        ("mean of 1 of 2 tasks", 1.0, 1),
    ]
    assert "| stack | 0/0 | - (1 missing: [0.0, 100.0]) | - | - | - | - | 0/0 |" in markdown(
        rows, []
    )
    alone = summarize([make_record(make_cell(0), "env_fault")], [])
    assert [(r.task, r.rate) for r in alone] == [("stack", None)]


@pytest.mark.parametrize("field", ["task_hash", "weights"])
def test_two_versions_share_no_row(field: str, make_cell: Cells, make_record: Records) -> None:
    records = [make_record(make_cell(0)), make_record(make_cell(1, **{field: "other"}))]
    with pytest.raises(UsageError, match="two versions of"):
        summarize(records, [])


def test_solvers_and_worlds_are_kept_apart(make_cell: Cells, make_record: Records) -> None:
    for change in ({"solver": "heun"}, {"engine": "pybullet"}, {"renderer": "tiny"}):
        records = [make_record(make_cell(0)), make_record(make_cell(0, **change), "failure")]
        assert sorted(r.n for r in summarize(records, [])) == [1, 1]


def test_the_markdown_is_as_agreed(measured: tuple[list[Record], list[Timing]]) -> None:
    records, timings = measured
    found = markdown(summarize(records, timings), footer(records))
    assert found == GOLDEN.read_text()
    bodies = [line for line in found.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in bodies} == {12}


def test_the_terminal_table_fits_and_obeys_nobody(make_cell: Cells, make_record: Records) -> None:
    name = "[red]evil[/red]\x1b[31m\nstack"
    records = [make_record(make_cell(e, task=name, policy="p[bold]")) for e in range(200)]
    out = io.StringIO()
    print_tables(
        condition_tables(summarize(records, [])), Console(file=out, width=100, force_terminal=False)
    )
    text = out.getvalue()
    assert "[red]evil[/red]?[31m stack" in text
    assert "p[bold] · 10 steps · euler · mujoco / gl / nominal" in text
    assert "200/200" in text
    assert "100.0 %" in text
    assert "[98.2, 100.0]" in text
    assert "4.5 s" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text


def test_episodes_that_were_begun_again_are_told(
    measured: tuple[list[Record], list[Timing]],
) -> None:
    records, timings = measured
    again = [replace(timing, attempts=attempts) for attempts, timing in enumerate(timings[:3], 1)]
    said = "Begun again, because something around the policy broke: 2."
    assert footer(records, [*again, *timings[3:]]) == [*footer(records, timings), said]
    assert footer(records) == footer(records, timings)
