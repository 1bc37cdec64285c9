"""Runs and comparisons as JUnit's XML, which programs for continuous integration show.

A low rate is a result and no failure: what fails is a policy's fault, an episode that is missing,
and a regression that was asked about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from pi0bench.report.comparison import Comparison
from pi0bench.report.comparison_tables import cells, names
from pi0bench.report.headline_table import rate
from pi0bench.report.number_format import printable
from pi0bench.report.regression_verdict import Outcome, Regression
from pi0bench.report.run_report import RunReport
from pi0bench.report.success_rows import Row

Case = tuple[str, str, str, str]
"""Its name, what is said of it, why it fails or "", and why it was left open or ""."""


def run_junit(report: RunReport) -> str:
    """Return a suite for each condition with a case for each task."""
    rows = [row for row in report.rows if not row.is_mean]
    return _document(
        (str(condition), [_task(row) for row in group])
        for condition, group in groupby(rows, key=lambda row: row.condition)
    )


def comparison_junit(found: Comparison, regressions: Sequence[Regression] = ()) -> str:
    """Return a suite with a case for each condition, and one with each regression asked about."""
    beside = [
        (
            standing.name,
            ", ".join(map(": ".join, zip(names(found), cells(standing, found), strict=True))),
            _faults(standing.faults),
            "",
        )
        for standing in found.standings
    ]
    asked = [
        (
            f"{one.name} less {one.reference}",
            one.sentence(),
            one.sentence() if one.outcome is Outcome.WORSE else "",
            one.sentence() if one.outcome is Outcome.OPEN else "",
        )
        for one in regressions
    ]
    suites = [("comparison", beside), ("regressions", asked)]
    return _document(suite for suite in suites if suite[1])


def _task(row: Row) -> Case:
    missing = f"{row.unmeasured} missing" if row.unmeasured else ""
    why = ", ".join(filter(None, [_faults(row.faults), missing]))
    return row.task, f"{row.successes}/{row.n}, {rate(row)}", why, ""


def _faults(count: int) -> str:
    return f"policy faults: {count}" if count else ""


def _document(suites: Iterable[tuple[str, Sequence[Case]]]) -> str:
    root = ET.Element("testsuites", name="pi0bench")
    for title, cases in suites:
        counts = {
            "tests": len(cases),
            "failures": sum(bool(why) for *_, why, _ in cases),
            "skipped": sum(bool(left) for *_, left in cases),
        }
        suite = ET.SubElement(root, "testsuite", name=printable(title))
        suite.attrib |= {name: str(count) for name, count in counts.items()}
        for name, said, why, left in cases:
            case = ET.SubElement(suite, "testcase")
            case.attrib |= {"classname": printable(title), "name": printable(name)}
            for tag, text in (("failure", why), ("skipped", left)):
                if text:
                    ET.SubElement(case, tag, message=printable(text))
            ET.SubElement(case, "system-out").text = printable(said)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
