"""Policies with several trainings: one row, whose interval knows both kinds of chance."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pi0bench.policy_role import Role
from pi0bench.records.record import Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.html.html_page import run_page
from pi0bench.report.over_trainings import over_trainings
from pi0bench.report.run_files import LATEX, TABLE, tables
from pi0bench.report.run_report import RunReport, run_report
from pi0bench.report.terminal_table import print_tables
from pi0bench.report.terminal_table import tables as terminal_tables
from pi0bench.report.trainings_table import EACH, NAMES, TITLE, cells
from pi0bench.stats.success_intervals import clopper_pearson
from tests.fake_records import cell, record
from tests.report.test_html_page import MANIFEST


def records(
    policy: str, rates: tuple[float, ...], tasks: int = 3, starts: int = 40
) -> list[Record]:
    rng, found = np.random.default_rng(len(policy)), []
    for number, rate in enumerate(rates):
        name = f"{policy}@{number}" if number else policy
        for task in range(3):
            for episode in range(starts):
                of = cell(policy=name, task=f"task_{task}", episode=episode)
                status = "success" if rng.random() < rate else "failure"
                found.append(record(of, status))
    return found


def test_trainings_that_differ_widen_the_interval() -> None:
    (alike,), (apart,) = (
        over_trainings(records("flow", rates)) for rates in ((0.5, 0.5, 0.5), (0.2, 0.5, 0.8))
    )
    assert alike.condition.policy == apart.condition.policy == "flow"
    assert alike.n == 120
    assert apart.rates == pytest.approx((0.2, 0.5, 0.8), abs=0.15)
    assert apart.interval.high - apart.interval.low > 0.5
    assert apart.of_training > 0.8
    pooled = clopper_pearson(180, 360)
    assert alike.interval.high - alike.interval.low < 3 * (pooled.high - pooled.low)


def test_the_others_stand_behind_the_best() -> None:
    many = [
        *records("good", (0.80, 0.82, 0.78)),
        *records("poor", (0.30, 0.32, 0.28)),
        *records("single", (0.9,)),
        *records("control", (0.95, 0.95)),
    ]
    found = over_trainings(many, {"control": Role.CONTROL})
    assert [of.condition.policy for of in found] == ["good", "poor", "control"]
    good, poor, control = found
    assert good.behind is control.behind is None
    assert poor.behind is not None
    assert 0.3 < poor.behind.low < 0.5 < poor.behind.high < 0.7


def test_only_start_states_that_all_trainings_have_count() -> None:
    few = [r for r in records("flow", (0.5, 0.5)) if r.cell.policy == "flow" or r.cell.episode < 9]
    (found,) = over_trainings(few)
    assert found.n == 27
    assert over_trainings([r for r in few if r.cell.policy == "flow" or r.cell.episode < 1]) == []


def read(root: Path, found: list[Record]) -> RunReport:
    with RunFolder.open(root, MANIFEST, [r.cell for r in found]) as folder:
        folder.rewrite(found, [])
        return run_report(folder, incomplete=True)


def test_every_format_tells_of_trainings_where_there_are_several(tmp_path: Path) -> None:
    many = [*records("flow", (0.8, 0.7)), *records("bc", (0.2, 0.4)), *records("act", (0.5,))]
    report = read(tmp_path / "several", many)
    files, out = tables(report), io.StringIO()
    print_tables(terminal_tables(report), Console(file=out, width=80))
    page = run_page(tmp_path, report, files).decode()
    for text in (files[TABLE].decode(), files[LATEX].decode(), page, out.getvalue()):
        assert TITLE in text
        assert all(cells(of)[NAMES.index(EACH)] in text for of in report.trained)
    once = read(tmp_path / "once", [r for r in many if "@" not in r.cell.policy])
    assert not once.trained
    assert TITLE not in tables(once)[TABLE].decode()
