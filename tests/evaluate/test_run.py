from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.envs.tabletop import Tabletop
from pi0bench.envs.world import PhysicsFault
from pi0bench.errors import UsageError
from pi0bench.evaluate import provenance, worker
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run import How, run
from pi0bench.policies import registry
from pi0bench.results.manifest import sentence
from pi0bench.results.store import RunFolder

QUIET = How(video=False)


def asked(*policies: str, **settings: Any) -> Settings:
    return Settings(policies, ("reach_cube",), **{"renderer": "tiny", "episodes": 4, **settings})


def measured(settings: Settings, out: Path, how: How = QUIET) -> bytes:
    assert run(settings, out, how, Console(quiet=True)) == 0
    return (out / "episodes.jsonl").read_bytes()


def test_records_do_not_depend_on_workers(tmp_path: Path) -> None:
    settings = asked("random", "expert", episodes=3)
    one = measured(settings, tmp_path / "1", How(workers=1, batch=3, video=False))
    two = measured(settings, tmp_path / "2", How(workers=2, batch=2, video=False))
    assert one == two
    assert one.count(b"\n") == 6


def test_records_do_not_depend_on_the_batch(tmp_path: Path, looking: Any) -> None:
    settings = asked("looking")
    alone = measured(settings, tmp_path / "1", How(batch=1, video=False))
    assert max(looking.asked) == 1
    together = measured(settings, tmp_path / "8", How(batch=8, video=False))
    assert max(looking.asked) == 4
    assert alone == together


@pytest.mark.parametrize("survivors", [1, 4])
def test_a_killed_run_continues_to_the_same_records(
    survivors: int, tmp_path: Path, looking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, how = asked("looking", "expert", episodes=3), How(batch=2, video=False)
    whole = measured(settings, tmp_path / "whole", how)
    out = tmp_path / "killed"
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "append", dying_after(survivors))
        with pytest.raises(KeyboardInterrupt):
            measured(settings, out, how)
    assert len(RunFolder(out).records()) == survivors
    with (out / "episodes.jsonl").open("ab") as file:
        file.write(b'{"torn')
    assert measured(settings, out, how) == whole


def dying_after(count: int) -> Callable[..., None]:
    original, left = RunFolder.append, [count]

    def append(folder: RunFolder, *what: Any) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        original(folder, *what)

    return append


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
    }
    assert (tmp_path / "index.html").read_text().count("<video ") == 2
    table = (tmp_path / "table.md").read_text()
    assert "| expert | 0 | none | reach_cube | 2/2 |" in table
    assert sentence(manifest)[:20] in table
    words = said(console)
    assert "expert: no sampler, so --steps does not apply." in words
    assert "6 episodes: looking, expert on reach_cube (2 each, 1/2 sampler steps)" in words
    assert "6/6 2 successes so far · done" in words
    assert "ended otherwise" not in words


def test_what_could_not_be_measured_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    def step(*_: Any) -> Any:
        raise PhysicsFault("velocities are not finite")

    with monkeypatch.context() as patch:
        patch.setattr(Tabletop, "step", step)
        assert run(asked("expert"), tmp_path, How(), console) == 3
    words = said(console)
    assert "4 episodes were not measured; the same command tries again" in words
    assert "4 times env_fault: PhysicsFault: velocities are not finite" in words
    assert measured(asked("expert"), tmp_path).count(b'"success"') == 4


def test_something_broken_around_the_policy_is_not_its_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    def step(*_: Any) -> Any:
        raise OSError("no such device")

    monkeypatch.setattr(Tabletop, "step", step)
    assert run(asked("expert"), tmp_path, How(), console) == 3
    assert "4 times infra_error: OSError: no such device" in said(console)


def test_a_folder_that_cannot_be_written_is_told_before_weights_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> Any:
        raise AssertionError(f"loaded {name}")

    monkeypatch.setattr(registry, "load", load)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="choose another --out"):
        run(asked("expert"), tmp_path / "file" / "out", QUIET, Console(quiet=True))


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


def test_a_policys_fault_counts_as_a_failure(tmp_path: Path, scripted: Any) -> None:
    scripted(lambda obs, *_: np.full((len(obs), 8, 7), np.nan))
    lines = measured(asked("scripted"), tmp_path)
    assert lines.count(b'"policy_fault"') == 4
    assert "| 0/4 |" in (tmp_path / "table.md").read_text()
