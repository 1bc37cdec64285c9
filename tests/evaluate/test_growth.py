"""A run may be added to, by the same means; what it holds stays, and nothing else is mixed in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.errors import UsageError
from pi0bench.evaluate import policy_sources, provenance, worker
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.shards import Shard
from pi0bench.machine import processor
from pi0bench.records.manifest import plan_hash
from pi0bench.records.merge import merge
from pi0bench.records.record import Cell
from pi0bench.records.run_folder import EPISODES, RunFolder
from tests.runs import run

QUIET = Console(quiet=True)


def asked(*policies: str, tasks: tuple[str, ...] = ("reach_cube",), **settings: Any) -> Settings:
    return Settings(policies, tasks, **{"renderer": "tiny", "episodes": 2, **settings})


@pytest.fixture
def stepped(scripted: Any) -> None:
    """A policy with a sampler, "scripted", whose actions depend on noise and steps."""
    scripted(lambda _, noise, n: np.stack([np.full((8, 7), rng.normal() / n) for rng in noise]))


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    """The cells whose episodes are run."""
    cells: list[Cell] = []
    real = worker.run

    def remember(of: Any, *others: Any) -> Any:
        cells.extend(of)
        return real(of, *others)

    monkeypatch.setattr(worker, "run", remember)
    return cells


def measure(settings: Settings, out: Path, **how: Any) -> list[str]:
    assert run(settings, out, How(**{"video": False, **how}), QUIET) == 0
    return (out / EPISODES).read_text().splitlines()


def manifest(out: Path) -> dict[str, Any]:
    return json.loads((out / "manifest.json").read_text())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (asked("random"), asked("random", episodes=4)),
        (asked("random"), asked("zero", "random")),
        (asked("random"), asked("random", tasks=("push_cube_to_zone", "reach_cube"))),
        (asked("random"), asked("random", variations=("light-1", "nominal"))),
        (asked("scripted", steps=(2,)), asked("scripted", steps=(1, 2))),
        (asked("scripted"), asked("scripted", steps=(10, 1), solvers=("heun", "euler"))),
        (asked("random"), asked("scripted", "random", steps=(3,), episodes=3)),
    ],
    ids=["episodes", "policies", "tasks", "variations", "steps", "defaults said", "several"],
)
def test_what_is_added_is_measured_and_the_rest_is_kept(
    before: Settings, after: Settings, tmp_path: Path, stepped: None, begun: list[Cell]
) -> None:
    kept = measure(before, tmp_path / "run")
    begun.clear()
    grown = measure(after, tmp_path / "run")
    assert set(kept) < set(grown)
    assert len(begun) == len(grown) - len(kept)
    told = manifest(tmp_path / "run")
    assert told["planned"] == len(grown)
    assert told.get("grown", []) == ([2] if after.episodes > 2 else [])
    table = (tmp_path / "run" / "table.md").read_text()
    assert ("At first 2 start states were planned" in table) == (after.episodes > 2)
    assert measure(after, tmp_path / "at_once") == grown


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (asked("random", "zero"), "episodes: 3 there, 2 here"),
        (asked("random", episodes=4), r'policies: \["random", "zero"\] there, \["random"\] here'),
        (asked("random", "zero", episodes=4, seed=1), "seed: 0 there, 1 here"),
        (asked("random", "zero", episodes=4, engine="pybullet"), "engine: "),
        (asked("random", "zero", episodes=4, stop_early=True), "stop_early: false there"),
    ],
    ids=["fewer episodes", "fewer policies", "seed", "engine", "another analysis"],
)
def test_what_is_there_is_never_left_out(
    after: Settings, said: str, tmp_path: Path, begun: list[Cell]
) -> None:
    measure(asked("random", "zero", episodes=3), tmp_path)
    before, ran = (tmp_path / "manifest.json").read_bytes(), len(begun)
    with pytest.raises(UsageError, match=f"another plan .*{said}.*ask for all of it and more, or "):
        run(after, tmp_path, How(video=False), QUIET)
    assert (tmp_path / "manifest.json").read_bytes() == before
    assert len(begun) == ran


def test_a_run_that_stopped_early_grows_by_the_same_rule(tmp_path: Path) -> None:
    early = asked("expert", "zero", episodes=10, stop_early=True)
    kept = measure(early, tmp_path)
    assert len(kept) == 20
    assert manifest(tmp_path)["stopped"]["episodes"] == 10
    grown = asked("expert", "zero", episodes=15, stop_early=True)
    assert measure(grown, tmp_path) == kept
    assert manifest(tmp_path)["settings"]["episodes"] == 15
    assert (tmp_path / "table.md").exists()


def test_parts_grow_too(tmp_path: Path) -> None:
    for settings in (asked("random", episodes=4), asked("random", episodes=7)):
        for part in (1, 2):
            measure(settings, tmp_path / f"part{part}", shard=Shard(part, 2))
    measure(asked("random", episodes=7), tmp_path / "part3", shard=Shard(1, 2))
    merge([tmp_path / f"part{part}" for part in (3, 2, 1)], tmp_path / "merged")
    assert manifest(tmp_path / "merged")["grown"] == [4]
    assert len(measure(asked("random", episodes=7), tmp_path / "merged")) == 7


def test_a_plan_of_changed_tasks_does_not_grow(tmp_path: Path) -> None:
    measure(asked("random"), tmp_path)
    told = manifest(tmp_path)
    told |= {"plan": plan_hash([]), "tasks": {"reach_cube": "0" * 12}}
    (tmp_path / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(UsageError, match=r'tasks\.reach_cube: "0{12}" there, '):
        run(asked("random", episodes=4), tmp_path, How(video=False), QUIET)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": "0" * 12}, r'code: "0{12}" there, '),
        ({"code": None}, "code: null there, "),
        ({"versions": {"mujoco": "9.9"}}, r'versions\.mujoco: "9\.9" there, '),
        ({"machine": {"pinned": "avx512"}}, r'machine\.pinned: "avx512" there, "avx2" here'),
        ({"packages": {"random": "mine==1"}}, r'packages\.random: "mine==1" there, "mine==2" here'),
        ({"weights": {"random": "0" * 12}}, r'weights\.random: "0{12}" there, "none" here'),
    ],
    ids=["code", "no code told", "library", "instructions", "plug-in", "weights"],
)
def test_other_means_are_refused_and_named(
    changes: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_sources, "origins", lambda *_: {"random": "mine==2"})
    real = provenance.manifest

    def pinned(*of: Any) -> dict[str, Any]:
        found = real(*of)
        return {**found, "machine": {**found["machine"], "pinned": "avx2"}}

    monkeypatch.setattr(provenance, "manifest", pinned)
    measure(asked("random"), tmp_path)
    told = manifest(tmp_path)
    for name, value in changes.items():
        told[name] = {**told[name], **value} if isinstance(value, dict) else value
    (tmp_path / "manifest.json").write_text(json.dumps(told))
    for episodes in (2, 4):
        with pytest.raises(UsageError, match=f"{said}.*measure as it was, or use another --out"):
            run(asked("random", episodes=episodes), tmp_path, How(video=False), QUIET)
    part = tmp_path / "part"
    measure(asked("random"), part, shard=Shard(1, 2))
    with pytest.raises(UsageError, match="not of the same run"):
        merge([part, tmp_path], tmp_path / "merged")


def test_another_commit_or_machine_with_the_same_code_goes_on_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = measure(asked("random"), tmp_path)
    here = provenance.versions()
    monkeypatch.setattr(provenance, "versions", lambda: {**here, "pi0bench": "9.9"})
    monkeypatch.setattr(processor, "name", lambda: "another")
    assert set(kept) < set(measure(asked("random", episodes=3), tmp_path))
    told = manifest(tmp_path)
    assert told["versions"]["pi0bench"] == f"{here['pi0bench']} and 9.9"
    assert "another" in told["machine"]["processor"].split(" and ")
    assert len(RunFolder(tmp_path).records()) == 3
