"""For other programs: JSON alone on standard output, JUnit XML, a summary, exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pi0bench.cli import main

ASKED = "--task reach_cube --renderer tiny --executor inline --no-video --episodes"


@pytest.fixture
def measured(tmp_path: Path) -> tuple[str, str]:
    """A run of the expert, and one of a robot that stands still."""
    folders = []
    for policy in ("expert", "zero"):
        folders.append(str(tmp_path / policy))
        assert main(["run", "--policy", policy, *ASKED.split(), "6", "--out", folders[-1]]) == 0
    return folders[0], folders[1]


def test_a_run_as_json_and_junit(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, xml, summary = tmp_path / "run", tmp_path / "run.xml", tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    asked = [*ASKED.split(), "2", "--out", str(out), "--json", "--junit", str(xml)]
    assert main(["run", "--policy", "expert", *asked]) == 0
    printed = capfd.readouterr()
    (condition,) = json.loads(printed.out)["conditions"]
    assert condition["policy"] == "expert"
    assert condition["total"]["success"]["n"] == 2
    assert "reach_cube" in printed.err
    (case,) = ET.parse(xml).getroot().iter("testcase")
    assert case.get("name") == "reach_cube"
    assert summary.read_text().startswith("## pi0bench")


def test_verify_and_report_as_json(
    measured: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    assert main(["verify", measured[0], "--episodes", "2", "--workers", "1", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["same"] is True
    assert main(["report", measured[0], "--json"]) == 0
    (said,) = json.loads(capfd.readouterr().out).values()
    assert said["complete"] is True


def test_a_regression_has_an_exit_code_of_its_own(
    measured: tuple[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    expert, zero = measured
    capfd.readouterr()
    xml = tmp_path / "compare.xml"
    asked = ["compare", expert, zero, "--fail-if-worse-by", "5", "--json", "--junit", str(xml)]
    assert main(asked) == 5
    printed = capfd.readouterr()
    assert [one["outcome"] for one in json.loads(printed.out)["regressions"]] == ["worse"]
    assert "worse by more than 5 points" in printed.err
    assert ET.parse(xml).getroot().find(".//failure") is not None
    assert main(["compare", zero, expert, "--fail-if-worse-by", "5"]) == 0
    assert "not worse by more than 5 points" in capfd.readouterr().out
    again = str(shutil.copytree(expert, tmp_path / "again"))
    assert main(["compare", expert, again, "--fail-if-worse-by", "5"]) == 0
    assert "not resolved by more than 5 points" in capfd.readouterr().out


def test_a_part_of_a_run_has_no_results(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--policy", "zero", "--shard", "1/2", "--json"]) == 2
    assert "--shard: a part has no results" in capsys.readouterr().err
