"""Faults stand wherever successes do, where there are some."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from pi0bench.records.record import Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.release.publisher_notes import Told
from pi0bench.release.results_readme import readme
from pi0bench.report.html.html_page import run_page
from pi0bench.report.run_files import tables
from pi0bench.report.run_report import RunReport, run_report
from pi0bench.report.terminal_table import compact, condition_tables, print_tables
from tests.fake_records import cell, record
from tests.report.test_html_page import MANIFEST


def read(root: Path, faults: int) -> RunReport:
    """A run of two policies, of whose second so many of seven failures are faults."""
    records: list[Record] = []
    for episode in range(11):
        records.append(record(cell(episode, policy="flow")))
        status = "success" if episode < 4 else "failure"
        records.append(record(cell(episode), "policy_fault" if episode >= 11 - faults else status))
    with RunFolder.open(root, MANIFEST, [r.cell for r in records]) as folder:
        folder.rewrite(records, [])
        return run_report(folder)


def _terminal(found: RunReport) -> str:
    out = io.StringIO()
    print_tables(condition_tables(found.rows), Console(file=out, width=110))
    return out.getvalue()


def _compact(found: RunReport) -> str:
    out = io.StringIO()
    print_tables([compact(found.headline)], Console(file=out, width=110))
    return out.getvalue()


SHOWN: dict[str, Callable[[RunReport], str]] = {
    "terminal": _terminal,
    "compact": _compact,
    "latex": lambda found: tables(found)["table.tex"].decode(),
    "markdown": lambda found: tables(found)["table.md"].decode(),
    "csv": lambda found: tables(found)["table.csv"].decode(),
    "steps": lambda found: tables(found)["steps.md"].decode(),
    "readme": lambda found: readme("0", {"run": found}, {"run": {}}, [], Told()),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_count_that_is_not_zero_is_shown(name: str, tmp_path: Path) -> None:
    found = SHOWN[name](read(tmp_path / "some", 5))
    without = SHOWN[name](read(tmp_path / "none", 0))
    lines = [line for line in found.splitlines() if "pi0" in line or "4/11" in line]
    assert any(re.search(r"\b5\b", re.sub(r"[0-9.]*[.][0-9]+|/", " ", line)) for line in lines)
    assert "faults" in found
    if name not in ("markdown", "csv"):
        assert "policy\nfaults" not in without
        assert "policy faults" not in without.replace("Policy faults count", "")


def test_the_page_shows_it_too(tmp_path: Path) -> None:
    found, without = (
        run_page(tmp_path, read(tmp_path / str(faults), faults), {}).decode() for faults in (5, 0)
    )
    assert "policy<br>faults" in found
    assert '<td class="number">5</td>' in found
    assert "policy<br>faults" not in without
