"""What a run says of devices: a look-up among its delays."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi0bench.errors import UsageError
from pi0bench.records.record import Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.device_lookup import lookups
from pi0bench.report.device_profiles import DeviceProfile, device_profile
from pi0bench.report.device_table import device_markdown
from pi0bench.report.run_report import RunReport, run_report
from tests.fake_records import cell, record
from tests.report.test_device_profiles import taking
from tests.report.test_faults import MANIFEST


def measured(root: Path, clocks: tuple[str, ...] = ("hold", "async")) -> RunReport:
    """Of 12 episodes one fewer succeeds with each delay, and of async two fewer."""
    records: list[Record] = []
    for clock, delay, lost in (
        ("still", 0, 0),
        *((clock, d, d * (1 + (clock == "async"))) for clock in clocks for d in (1, 2)),
    ):
        cells = [cell(number, clock=clock, delay=delay) for number in range(12)]
        ends = ["failure" if of.episode < lost else "success" for of in cells]
        records += [
            record(of, end, replans=10, trunk_evaluations=100)
            for of, end in zip(cells, ends, strict=True)
        ]
    with RunFolder.open(root, MANIFEST, [r.cell for r in records]) as folder:
        folder.rewrite(records, [])
    return run_report(RunFolder(root), incomplete=True)


def reached(report: RunReport, profile: DeviceProfile) -> dict[str, tuple[int | None, int | None]]:
    found = lookups(report, profile, 20)
    return {of.asked.clock: (of.delay, of.row and of.row.successes) for of in found}


def test_each_clock_is_looked_up_at_the_devices_delay(tmp_path: Path) -> None:
    report = measured(tmp_path)
    assert reached(report, taking(0, step_us=5_000)) == {"hold": (1, 11), "async": (1, 10)}
    assert reached(report, taking(1, step_us=5_000)) == {"hold": (2, 10), "async": (2, 8)}
    assert reached(report, taking(120_000)) == {"hold": (3, None), "async": (3, None)}


def test_what_takes_a_gradient_is_as_late_as_that(tmp_path: Path) -> None:
    report = measured(tmp_path, clocks=("async", "rtc"))
    guided = taking(0, step_us=5_000, guided_step=9_000)
    assert reached(report, guided) == {"async": (1, 10), "rtc": (2, 10)}
    assert reached(report, taking(0, step_us=5_000))["rtc"] == (None, None)
    assert "not known | not measured" in device_markdown(report, [taking(0)], 20)


def test_what_was_measured_and_what_was_borrowed_never_share_a_table(tmp_path: Path) -> None:
    devices = [device_profile("thor-pi0"), taking(40_000), device_profile("orin-pi05")]
    text = device_markdown(measured(tmp_path), devices, 20)
    own, borrowed = text.split("## Measured")[1].split("## Borrowed")
    assert "toy: delay" in own
    assert "thor-pi0: delay | success | orin-pi05: delay" in borrowed
    assert (
        "| pi0 · async | euler | 10 | 10 | 2 | 66.7 % [34.9, 90.1] | 4 | not measured |" in borrowed
    )
    assert "thor" not in own
    assert "toy" not in borrowed
    assert f"(file {devices[0].hash})" in borrowed


def test_a_world_that_waits_has_no_delay_to_look_up(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--device-profile: looks up a delay"):
        lookups(measured(tmp_path, clocks=()), taking(0), 20)
