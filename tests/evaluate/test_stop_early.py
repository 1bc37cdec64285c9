"""`--stop-early` and `--allow-incomplete`: what a run may leave out, and what it then says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pi0bench.cli import main
from pi0bench.envs.world_protocol import PhysicsFault
from pi0bench.errors import IncompleteError, UsageError
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.worker import Worker
from pi0bench.records import manifest
from pi0bench.records.run_folder import RunFolder
from pi0bench.release.publish import publish
from pi0bench.release.regenerate_release import report
from pi0bench.report.run_report import run_report
from pi0bench.task.tabletop_episode import Tabletop
from tests.evaluate.test_run import said
from tests.runs import run

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

    def step(world: Tabletop, *how: Any) -> None:
        if not broken:
            broken.append(world)
            raise PhysicsFault("velocities are not finite")
        original(world, *how)

    settings = asked("expert", episodes=4, early=False)
    with monkeypatch.context() as patch:
        patch.setattr(Tabletop, "step", step)
        assert run(settings, tmp_path, QUIET, console) == 3
        assert "There is no table meanwhile; --allow-incomplete shows one" in said(console)
        assert not (tmp_path / "table.md").exists()
        with pytest.raises(IncompleteError, match="episodes are missing"):
            run_report(RunFolder(tmp_path))
        broken.clear()
        assert run(settings, tmp_path, How(video=False, incomplete=True), console) == 3
    table = (tmp_path / "table.md").read_text()
    assert "| 3/3 | 100.0 % [29.2, 100.0] (1 missing: [75.0, 100.0]) |" in table
    assert "INCOMPLETE: planned episodes are missing." in table
    assert run(settings, tmp_path, QUIET, console) == 0
    assert "missing" not in (tmp_path / "table.md").read_text().replace("are missing fail", "")


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console) -> Path:
    """A run that lacked an episode of its first round, and had it when it was continued."""
    original = Worker.measure

    def measure(worker: Worker, job: Any) -> Any:
        if any(cell.episode == 1 and cell.policy == "zero" for cell in job.cells):
            raise OSError(28, "No space left on device")
        return original(worker, job)

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Worker, "measure", measure)
        assert run(asked("zero", "expert", episodes=15), out, QUIET, console) == 3
    assert len(RunFolder(out).missing([r.cell for r in RunFolder(out).records()])) == 1
    assert run(asked("zero", "expert", episodes=15), out, QUIET, console) == 0
    return out


def test_an_error_that_passed_costs_no_table(stopped: Path, tmp_path: Path) -> None:
    assert len(RunFolder(stopped).records()) == 30
    table = (stopped / "table.md").read_text()
    assert "| 0/10 |" in table
    assert "| 10/10 |" in table
    assert "start states 0 to 9 of seed 0" in table
    assert {path.name for path in report([stopped])} > {"table.md", "index.html"}
    whole = tmp_path / "whole"
    settings = asked("zero", "expert", episodes=15)
    assert run(settings, whole, QUIET, Console(quiet=True)) == 0
    for name in ("table.csv", "table.tex"):
        assert _untimed(whole / name) == _untimed(stopped / name)
    assert publish([stopped], tmp_path / "results")


def _untimed(path: Path) -> str:
    text = re.sub(r" Begun again[^.]*: [0-9]+[.]", "", path.read_text())
    return re.sub(r"[0-9.]+", lambda number: "" if "." in number[0] else number[0], text)


def test_one_analysis_is_said_everywhere(
    stopped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # As two that compete, so that every page tells what it holds for the best.
    of = {**(manifest.read(stopped) or {}), "roles": dict.fromkeys(("zero", "expert"), "competes")}
    manifest.write(stopped, of)
    report([stopped])
    assert main(["compare", str(stopped), "--out", str(tmp_path / "compared")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    publish([stopped], tmp_path / "results")
    names = ("table.md", "table.tex", "steps.md", "index.html")
    texts = {name: (stopped / name).read_text() for name in names}
    texts |= {path.name: path.read_text() for path in (tmp_path / "compared").iterdir()}
    texts |= {f"results/{p.name}": p.read_text() for p in (tmp_path / "results").glob("*.*")}
    texts["terminal"] = printed
    fixed = ("Clopper", "McNemar", "mcnemar", "Tango", "Cochran", "bootstrap", "power")
    for name, text in texts.items():
        of_claims = text.partition('<section id="claims">')
        text = of_claims[0] + of_claims[2].partition("</section>")[2]
        if not name.endswith("claims.md"):
            assert [word for word in fixed if word in text] == [], name
    for name in ("table.md", "table.tex", "index.html", "compare.md", "compare.tex", "terminal"):
        assert "confidence sequence" in texts[name], name
        assert "e-value" in texts[name] or name == "table.md", name
    assert "e_value_p" in texts["compare.csv"]
    page = texts["index.html"]
    assert "the same 10 start states of each task" in page
    assert "it stopped after 10 of 15 episodes a task" in page


def test_a_run_that_never_stopped_is_judged_alike(tmp_path: Path, console: Console) -> None:
    assert run(asked("zero", "random", episodes=5), tmp_path, QUIET, console) == 0
    page = (tmp_path / "index.html").read_text()
    assert "it went on to all 5 episodes a task" in page
    assert "McNemar" not in page
