"""`--stop-early` and `--allow-incomplete`: what a run may leave out, and what it then says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pi0bench.envs.tabletop import Tabletop
from pi0bench.envs.world import PhysicsFault
from pi0bench.errors import IncompleteError, UsageError
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.how import How
from pi0bench.evaluate.run import run
from pi0bench.results import manifest
from pi0bench.results.pages import pages
from pi0bench.results.publish import publish
from pi0bench.results.store import RunFolder
from tests.evaluate.test_run import said

QUIET = How(video=False)


def asked(*policies: str, episodes: int = 30, early: bool = True) -> Settings:
    return Settings(policies, ("reach_cube",), renderer="tiny", episodes=episodes, stop_early=early)


def test_a_run_stops_when_its_question_is_answered(tmp_path: Path, console: Console) -> None:
    out = tmp_path / "run"
    assert run(asked("zero", "expert"), out, QUIET, console) == 0
    assert "Stopped after 10 episodes a task: every difference is shown." in said(console)
    records = RunFolder(out).records()
    assert len(records) == 20
    assert {record.cell.episode for record in records} == set(range(10))
    found = manifest.read(out)
    assert found
    assert found["stopped"]["episodes"] == 10
    assert found["roles"] == {"zero": "control", "expert": "privileged"}
    assert list(found["stopped"]["evidence"]) == ["expert · mujoco / tiny / nominal"]
    table = (out / "table.md").read_text()
    assert "a confidence sequence (Robbins 1970)" in table
    assert "start states 0 to 9 of seed 0" in table
    before = (out / "episodes.jsonl").read_bytes()
    assert run(asked("zero", "expert"), out, QUIET, console) == 0
    assert (out / "episodes.jsonl").read_bytes() == before
    assert publish([out], tmp_path / "results")


def test_what_is_not_told_apart_runs_to_its_end(tmp_path: Path, console: Console) -> None:
    assert run(asked("zero", "random", episodes=6), tmp_path, QUIET, console) == 0
    assert len(RunFolder(tmp_path).records()) == 12
    assert "Stopped" not in said(console)
    with pytest.raises(UsageError, match="another plan"):
        run(asked("zero", "random", episodes=6, early=False), tmp_path, QUIET, console)


def test_one_policy_has_nothing_to_differ_from(tmp_path: Path, console: Console) -> None:
    with pytest.raises(UsageError, match="--stop-early"):
        run(asked("zero"), tmp_path, QUIET, console)


def test_a_headline_is_refused_while_episodes_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    original, broken = Tabletop.step, []

    def step(world: Tabletop, action: Any) -> None:
        if not broken:
            broken.append(world)
            raise PhysicsFault("velocities are not finite")
        original(world, action)

    settings = asked("expert", episodes=4, early=False)
    with monkeypatch.context() as patch:
        patch.setattr(Tabletop, "step", step)
        assert run(settings, tmp_path, QUIET, console) == 3
        assert "There is no table meanwhile; --allow-incomplete shows one" in said(console)
        assert not (tmp_path / "table.md").exists()
        with pytest.raises(IncompleteError, match="episodes are missing"):
            pages(RunFolder(tmp_path))
        broken.clear()
        assert run(settings, tmp_path, How(video=False, incomplete=True), console) == 3
    table = (tmp_path / "table.md").read_text()
    assert "| 3/3 | 100.0 % [29.2, 100.0] (1 missing: [75.0, 100.0]) |" in table
    assert "INCOMPLETE: planned episodes are missing." in table
    assert run(settings, tmp_path, QUIET, console) == 0
    assert "missing" not in (tmp_path / "table.md").read_text().replace("are missing fail", "")
