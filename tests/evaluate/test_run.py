from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pi0bench.errors import UsageError
from pi0bench.evaluate import provenance, worker
from pi0bench.evaluate import run as run_module
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from pi0bench.machine import processor
from pi0bench.machine.instruction_set import instructions
from pi0bench.records.manifest import sentence
from tests.runs import run

QUIET = How(video=False)


def asked(*policies: str, **settings: Any) -> Settings:
    return Settings(policies, ("reach_cube",), **{"renderer": "tiny", "episodes": 4, **settings})


def measured(settings: Settings, out: Path, how: How = QUIET) -> bytes:
    assert run(settings, out, how, Console(quiet=True)) == 0
    return (out / "episodes.jsonl").read_bytes()


def test_a_finished_run_runs_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    settings, how = asked("expert", episodes=2), How()
    measured(settings, tmp_path, how)
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    assert any(path.suffix == ".mp4" for path in before)

    def fail(*_: Any) -> Any:
        raise AssertionError("it ran an episode")

    monkeypatch.setattr(worker, "run", fail)
    assert run(settings, tmp_path, how, console) == 0
    after = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    assert after == before
    assert "2 are already there; 0 to go." in said(console)


def said(console: Console) -> str:
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_a_run_leaves_everything_that_its_reader_needs(
    tmp_path: Path, looking: Any, console: Console
) -> None:
    settings = asked("looking", "expert", episodes=2, steps=(1, 2))
    assert run(settings, tmp_path, How(command="pi0bench run …"), console) == 0
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert names >= {
        "manifest.json",
        "episodes.jsonl",
        "timings.jsonl",
        "index.html",
        "table.csv",
        "table.md",
        "table.tex",
        "steps.png",
        "videos/expert-reach_cube-success-0.mp4",
        "videos/looking-reach_cube-failure-0.mp4",
    }
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["command"] == "pi0bench run …"
    assert manifest["settings"]["renderer"] == "tiny"
    assert manifest["weights"] == {"looking": "none", "expert": "none"}
    assert set(manifest["versions"]) == {
        "pi0bench",
        "python",
        "torch",
        "mujoco",
        "pybullet",
        "numpy",
        "scipy",
        "zuko",
        "PyOpenGL",
    }
    assert manifest["machine"]["model"] == processor.model()
    assert manifest["machine"]["pinned"] == instructions()
    assert manifest["machine"]["opengl"] == ""
    assert (tmp_path / "index.html").read_text().count("<video ") == 2
    table = (tmp_path / "table.md").read_text()
    assert "| expert | 0 | none | reach_cube | 2/2 |" in table
    assert sentence(manifest)[:20] in table
    words = said(console)
    assert "expert: no sampler, so --steps does not apply." in words
    assert "6 episodes: looking, expert on reach_cube (2 each, 1/2 sampler steps)" in words
    assert "6/6 2 successes so far · done" in words
    assert "ended otherwise" not in words


def test_a_wrong_name_leaves_no_folder(tmp_path: Path) -> None:
    for settings in (asked("expret"), asked("expert", engine="bullet")):
        with pytest.raises(UsageError, match="did you mean"):
            run(settings, tmp_path / "out", QUIET, Console(quiet=True))
    assert not (tmp_path / "out").exists()


def test_episodes_of_other_versions_are_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(asked("expert", episodes=1), tmp_path)
    monkeypatch.setattr(provenance, "versions", lambda: {"mujoco": "9.9"})
    with pytest.raises(UsageError, match=r'mujoco: .* there, "9\.9" here'):
        measured(asked("expert", episodes=1), tmp_path)


def test_versions_that_others_would_not_have_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    monkeypatch.setattr(run_module, "outside", lambda: ["numpy 9.9 is not 2.4.6"])
    assert run(asked("expert", episodes=1), tmp_path, QUIET, console) == 0
    assert "Digits may differ from published ones: numpy 9.9 is not 2.4.6." in said(console)
