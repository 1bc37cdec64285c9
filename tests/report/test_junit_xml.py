"""JUnit's XML: faults and missing episodes fail, low rates do not."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from pi0bench.records.run_folder import RunFolder
from pi0bench.report.comparison import compare
from pi0bench.report.comparison_input import Entry
from pi0bench.report.junit_xml import comparison_junit, run_junit
from pi0bench.report.regression_verdict import regressions
from pi0bench.report.run_report import run_report
from tests.report.test_comparison import RECORDS, measured
from tests.report.test_faults import read
from tests.report.test_html_page import HOSTILE, written


def test_a_suite_each_condition_and_a_case_each_task(tmp_path: Path) -> None:
    root = ET.fromstring(run_junit(read(tmp_path, 5)))
    flow, pi0 = root.findall("testsuite")
    assert flow.attrib == {
        "name": "flow · 10 · euler · mujoco / gl / nominal",
        **{"tests": "1", "failures": "0", "skipped": "0"},
    }
    (case,) = pi0.findall("testcase")
    failure = case.find("failure")
    assert failure is not None
    assert failure.attrib["message"] == "policy faults: 5"
    assert (case.findtext("system-out") or "").startswith("4/11, 36.4 % [")


def test_a_low_rate_is_no_failure_and_a_missing_episode_is(tmp_path: Path) -> None:
    assert "<failure" not in run_junit(read(tmp_path / "low", 0))
    folder = written(tmp_path / "left", ("flow",), status="infra_error")
    text = run_junit(run_report(RunFolder(folder.root), incomplete=True))
    messages = [one.attrib["message"] for one in ET.fromstring(text).iter("failure")]
    assert messages == ["4 missing", "4 missing"]


def test_hostile_words_are_words(tmp_path: Path) -> None:
    folder = written(tmp_path, (f"{HOSTILE}\x1b\x00", "flow"), status="failure")
    root = ET.fromstring(run_junit(run_report(folder)))
    assert f"{HOSTILE}??" in root.findall("testsuite")[0].attrib["name"]


def test_a_regression_that_is_shown_fails_and_an_open_one_is_skipped() -> None:
    old, bad = Entry(measured([True] * 40)), Entry(measured([False] * 40))
    open_ = Entry(measured([e > 1 for e in range(40)]))
    runs = {"old": old, "bad": bad, "open": open_, "same": old}
    root = ET.fromstring(comparison_junit(compare(runs), regressions(runs, 5)))
    beside, asked = root.findall("testsuite")
    assert (beside.attrib["tests"], beside.attrib["failures"]) == ("4", "0")
    assert asked.attrib == {
        **{"name": "regressions", "tests": "3", "failures": "1", "skipped": "2"}
    }
    assert len(ET.fromstring(comparison_junit(compare({"run": Entry(RECORDS)})))) == 1
