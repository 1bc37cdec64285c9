"""The figure and the table of sampler steps on devices: more steps take longer there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pi0bench.records.record import Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.device_steps import ALL, device_verdicts, steps_markdown
from pi0bench.report.figures.device_figure import curves, device_figure, draw_devices
from pi0bench.report.run_report import RunReport, run_report
from tests.fake_records import cell, record
from tests.report.test_device_profiles import taking
from tests.report.test_faults import MANIFEST

LOST = {1: 20, 10: 0}
"""Of 40 episodes, by steps, where the world waits; 8 more for each step of delay."""


@pytest.fixture
def report(tmp_path: Path) -> RunReport:
    records: list[Record] = []
    for steps, lost in LOST.items():
        for clock, delay in (("still", 0), *(("async", d) for d in range(5))):
            if clock == "async" and delay == 0:
                continue
            cells = [cell(n, steps=steps, clock=clock, delay=delay) for n in range(40)]
            ends = ["failure" if of.episode < lost + 8 * delay else "success" for of in cells]
            records += [
                record(of, end, replans=10, trunk_evaluations=10 * steps)
                for of, end in zip(cells, ends, strict=True)
            ]
    with RunFolder.open(tmp_path, MANIFEST, [r.cell for r in records]) as folder:
        folder.rewrite(records, [])
    return run_report(RunFolder(tmp_path), incomplete=True)


QUICK, SLOW = taking(10_000, step_us=1_000), taking(10_000, step_us=15_000)
"""10 steps are 1 control step late, or 4; 1 step is 1 late on both."""


def test_every_step_count_stands_at_its_own_delay(report: RunReport) -> None:
    assert [(r.condition.steps, r.condition.delay) for r in curves(report, SLOW, 20)] == [
        (1, 1),
        (10, 4),
    ]
    found = [(QUICK, curves(report, QUICK, 20)), (SLOW, curves(report, SLOW, 20))]
    quick, slow = draw_devices(report, found).subfigs[1].axes
    for axes, reached in ((quick, [30.0, 80.0]), (slow, [30.0, 20.0])):
        drawn = [
            (line.get_linestyle(), np.array(line.get_ydata()).tolist()) for line in axes.get_lines()
        ]
        assert ("--", [50.0, 100.0]) in drawn
        assert ("-", reached) in drawn
    assert device_figure(report, [SLOW], 20) == device_figure(report, [SLOW], 20)


def test_the_best_number_of_steps_is_the_devices_own(report: RunReport) -> None:
    quick, slow = (device_verdicts(report, [of], 20)[0] for of in (QUICK, SLOW))
    assert (quick.task, quick.found.best, quick.found.best_rate) == (ALL, 10, 0.8)
    assert (slow.task, slow.found.best, slow.found.best_rate) == (ALL, 1, 0.3)
    assert quick.found.enough == 10
    table = steps_markdown([quick, slow])
    assert "| pi0 · async | euler | all tasks | 10 | 80.0 % | 40 | 10 |" in table


def test_one_number_of_steps_makes_no_curve(report: RunReport) -> None:
    never = taking(10_000_000)
    assert device_figure(report, [never], 20) is None
    assert steps_markdown(device_verdicts(report, [never], 20)) == ""
