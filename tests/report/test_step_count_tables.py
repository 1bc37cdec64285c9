from __future__ import annotations

from collections.abc import Callable

import pytest

from pi0bench.records.chunk_quality import Quality
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.report.condition_profile import profiles
from pi0bench.report.enough_steps import verdicts
from pi0bench.report.mode_counts import choices
from pi0bench.report.step_count_tables import steps_markdown
from pi0bench.report.success_table import summarize

Cells = Callable[..., Cell]
Records = Callable[..., Record]
TASK = "a|b<i>"


@pytest.fixture
def page(make_cell: Cells, make_record: Records, make_quality: Callable[..., Quality]) -> str:
    asked = (("pi0", "euler", 1, 4), ("pi0", "euler", 10, 8), ("bc", "none", 0, 5))
    records = [
        make_record(
            make_cell(e, policy=policy, solver=solver, steps=steps, task=TASK),
            "success" if e < won else "failure",
            trunk_evaluations=15 * max(steps, 1),
            jerk_m_s3=50.0 + e,
            mode="left" if e < 6 else "",
        )
        for policy, solver, steps, won in asked
        for e in range(8)
    ]
    timings = [Timing(r.cell.key(), 1.0, 20.0, 4.0, 2.0, 10.0) for r in records]
    qualities = [make_quality(steps=1, task=TASK)]
    found = profiles(summarize(records, timings), records, timings, qualities)
    taken = choices(records, {"modes": {"pi0": {TASK: {"left": 1, "right": 1}}}})
    return steps_markdown(found, taken, verdicts(records), ["A footer | with a bar."], "steps.png")


def test_every_table_is_whole(page: str) -> None:
    tables = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    assert [len(table) - 2 for table in tables] == [3, 3, 4]
    for table in tables:
        assert len({line.replace(r"\|", "").count("|") for line in table}) == 1


def test_rows_say_what_was_measured(page: str) -> None:
    lines = page.splitlines()
    assert "| bc | - | - | 1 | 62.5 % [24.5, 91.5] | 8 | 20.0 | 4.00 | 2.00 | 10.00 | 8 |" in lines
    assert (
        "| pi0 | euler | 10 | 10 | 100.0 % [63.1, 100.0] | 8 | 20.0 | 4.00 | 2.00 | 1.00 | 8 |"
        in lines
    )
    assert (
        "| pi0 | euler | 1 | 0.1250 | 0.0312 | 100 | 320 | 53.5 [50.0, 57.0], n = 8 | - |" in lines
    )
    assert "| bc | - | - | - | - | - | - | 53.5 [50.0, 57.0], n = 8 | - |" in lines


def test_modes_are_beside_the_demonstrations(page: str) -> None:
    assert "| policy | solver | steps | left | right | n | distance |" in page
    assert "| demonstrations | - | - | 50.0 % [1.3, 98.7] | 50.0 % [1.3, 98.7] | 2 | - |" in page
    taken = "100.0 % [54.1, 100.0] | 0.0 % [0.0, 45.9] | 6 of 8 | 0.50 |"
    assert f"| pi0 | euler | 10 | {taken}" in page
    assert f"| bc | - | - | {taken}" in page


def test_names_and_footers_leave_no_cell(page: str) -> None:
    assert "<i>" not in page
    assert r"**a\|b&lt;i>, mujoco / gl / nominal**" in page
    assert page.endswith("A footer \\| with a bar.\n")


def test_figure_verdicts_and_modes_are_left_out_where_there_are_none(
    make_cell: Cells, make_record: Records
) -> None:
    records = [make_record(make_cell(0))]
    page = steps_markdown(profiles(summarize(records, []), records, [], []), [], [], [])
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == ["# What sampler steps do", "## Success and cost", "## Why"]
    assert "![" not in page
