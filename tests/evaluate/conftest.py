from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.content import folders
from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.rollout import Outcome
from pi0bench.policy import registry
from pi0bench.policy.policy_protocol import Observation, Plan, Policy, Traits
from pi0bench.records.record import Cell
from pi0bench.task.task_files import task

Act = Callable[[Sequence[Observation], Sequence[np.random.Generator], int], Any]


class Scripted:
    """A policy that answers with what a function returns, and remembers how it was asked."""

    def __init__(self, act: Act, **traits: Any) -> None:
        self.name = "scripted"
        self.traits = Traits(**{"execute": 8, "steps": 10, "solvers": ("euler", "heun"), **traits})
        self.asked: list[int] = []
        self._act = act

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        self.asked.append(len(observations))
        return Plan(self._act(observations, noise, steps), trunk_evaluations=steps)


class Looking(Scripted):
    """Acts on pictures, proprioception and noise, as a network does; each row by itself."""

    def __init__(self) -> None:
        super().__init__(self._look, image_side=32)

    def _look(self, observations: Any, noise: Any, steps: int) -> Any:
        return np.stack([self._row(*row) for row in zip(observations, noise, strict=True)])

    def _row(self, observation: Observation, rng: np.random.Generator) -> Any:
        brightness = [image.mean() / 255 for image in observation.images.values()]
        lean = np.resize([*brightness, *observation.proprio[:3]], 7)
        return np.clip(lean + rng.normal(0, 0.5, (8, 7)), -1, 1)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scripted]:
    """Make a scripted policy and put it into the registry."""

    def make(act: Act, **traits: Any) -> Scripted:
        policy = Scripted(act, **traits)
        monkeypatch.setitem(registry.BASELINES, "scripted", lambda: policy)
        return policy

    return make


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    policy = Looking()
    monkeypatch.setitem(registry.BASELINES, "looking", lambda: policy)
    return policy


@pytest.fixture
def cells_of() -> Callable[..., tuple[Cell, ...]]:
    def make(policy: Policy, name: str = "reach_cube", **settings: Any) -> tuple[Cell, ...]:
        asked = Settings((policy.name,), (name,), **{"renderer": "tiny", **settings})
        return expand(asked, {policy.name: policy.traits}, [task(name)])

    return make


@pytest.fixture
def play(cells_of: Callable[..., tuple[Cell, ...]]) -> Callable[..., list[Outcome]]:
    """Run a policy's episodes of a task in one batch."""

    def make(policy: Policy, name: str = "reach_cube", **settings: Any) -> list[Outcome]:
        cells = cells_of(policy, name, **settings)
        ends = run(cells, policy, task(name), None, Stopwatch())
        return sorted(ends, key=lambda end: end.record.cell.episode)

    return make


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=100)


@pytest.fixture
def own_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts a task file, name and text, into content of its own beside the benchmark's."""
    home, real = tmp_path / "content", folders.root()
    (home / "tasks" / "own").mkdir(parents=True)
    for name in ("envs", "policies"):
        (home / name).symlink_to(real / name)
    for path in (real / "tasks").iterdir():
        (home / "tasks" / path.name).symlink_to(path)
    monkeypatch.setattr(folders, "root", lambda: home)

    def make(name: str, text: str) -> Path:
        path = home / "tasks" / "own" / f"{name}.toml"
        path.write_text(text, "utf-8")
        return path

    return make
