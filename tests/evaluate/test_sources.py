from __future__ import annotations

from pathlib import Path

import pytest

from pi0bench.cli import main
from pi0bench.results.store import RunFolder

ASKED = "run --policy zero random --env-id CartPole-v1 --episodes 12 --no-video --out"


@pytest.mark.parametrize("how", ["--executor inline --batch 5", "--workers 2"])
def test_a_gymnasium_environment_is_measured_like_a_task(tmp_path: Path, how: str) -> None:
    whole, again = tmp_path / "whole", tmp_path / "again"
    assert main([*ASKED.split(), str(whole), "--executor", "inline"]) == 0
    assert main([*ASKED.split(), str(again), *how.split()]) == 0
    records = RunFolder(whole).records()
    assert len(records) == 24
    assert {record.status for record in records} == {"failure"}  # 475 steps are a success
    assert len({record.length for record in records}) > 5
    assert {record.cell.engine for record in records} == {"gymnasium"}
    assert (again / "episodes.jsonl").read_bytes() == (whole / "episodes.jsonl").read_bytes()
    assert "gymnasium/CartPole-v1" in (whole / "table.md").read_text()
    assert main(["verify", str(whole), "--episodes", "6"]) == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("--task reach_cube", "several worlds"),
        ("--variation light-2", "only the benchmark's own tasks can be varied"),
    ],
)
def test_worlds_are_not_mixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, said: str
) -> None:
    assert main([*ASKED.split(), str(tmp_path / "run"), *more.split()]) == 2
    assert said in capsys.readouterr().err


def test_a_policy_that_needs_pictures_that_are_not_there_is_at_fault(tmp_path: Path) -> None:
    out = tmp_path / "run"
    asked = f"run --policy bc --env-id CartPole-v1 --episodes 2 --no-video --out {out}"
    assert main([*asked.split(), "--executor", "inline"]) == 0
    faults = [(record.status, record.fault) for record in RunFolder(out).records()]
    assert faults == [("policy_fault", "KeyError: 'front'")] * 2
