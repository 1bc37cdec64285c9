"""Policies with a history: what they are shown, and that nothing but the episode decides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from rich.console import Console

from pi0bench.envs.render.choose_renderer import make
from pi0bench.evaluate import worker
from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.rollout import Outcome
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.task_sources import task as source
from pi0bench.policy import registry
from pi0bench.policy.policy_protocol import Observation, Plan, Traits
from pi0bench.records.record import Cell
from pi0bench.records.run_folder import RunFolder
from pi0bench.task.task_files import task
from tests.runs import run as measure

CELLS = Callable[..., tuple[Cell, ...]]
DRIFTING = "gymnasium/Drifting-v0"


class Drifting(gymnasium.Env[Any, Any]):
    """Goes where it is pushed for twenty steps; the picture shows where it is."""

    observation_space = spaces.Dict(
        {"place": spaces.Box(-99.0, 99.0, (7,)), "front": spaces.Box(0, 255, (2, 2, 3), np.uint8)}
    )
    action_space = spaces.Box(-1.0, 1.0, (7,))

    def __init__(self, **_: Any) -> None:
        """Take no keyword but those that Gymnasium gives."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-1, 1, 7)
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        self.place = self.place + action
        return self._seen(), 0.0, False, False, {"success": bool(self.place.sum() > 5)}

    def _seen(self) -> dict[str, Any]:
        level = int(128 + 8 * self.place[0]) % 256
        return {"place": self.place, "front": np.full((2, 2, 3), level, np.uint8)}


@pytest.fixture(autouse=True)
def _drifting() -> Iterator[None]:
    gymnasium.register("Drifting-v0", Drifting, max_episode_steps=20)
    yield
    del gymnasium.registry["Drifting-v0"]


class Ensembling:
    """Averages this step's action over the chunks of the last ones, each of two pictures."""

    name, traits = "ensembling", Traits(n_obs_steps=2, execute=1)

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        rows, memory = [], []
        for seen, rng in zip(observations, noise, strict=True):
            assert (seen.memory is None) == (seen.step == 0)
            moved = seen.images["front"].astype(float) - seen.past[0].images["front"]
            chunk = rng.uniform(-1, 1, (4, 7)) + np.tanh(moved.mean())
            told = [*(seen.memory or []), chunk][-4:]
            rows.append([np.mean([old[ago] for ago, old in enumerate(reversed(told))], axis=0)])
            memory.append(told)
        return Plan(np.stack(rows).clip(-1, 1), memory=memory)


@pytest.fixture
def ensembling(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setitem(registry.BASELINES, "ensembling", Ensembling)
    return Settings(("ensembling",), (DRIFTING,), episodes=12)


def measured(asked: Settings, out: Path, batch: int = 5) -> bytes:
    assert measure(asked, out, How(batch=batch, video=False), Console(quiet=True)) == 0
    return (out / "episodes.jsonl").read_bytes()


def test_records_of_a_policy_that_remembers_depend_on_the_cell_alone(
    ensembling: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measured(ensembling, tmp_path / "together")
    assert {record.status for record in RunFolder(tmp_path / "together").records()} == {
        "success",
        "failure",
    }
    assert measured(ensembling, tmp_path / "in twos", batch=2) == whole
    original, broken = worker.run, list[int]()

    def fragile(cells: Any, *others: Any) -> Iterator[Outcome]:
        for end in original(cells, *others):
            if not broken:
                broken.append(1)
                raise OSError("no such device")
            yield end

    monkeypatch.setattr(worker, "run", fragile)
    assert measured(ensembling, tmp_path / "begun again", batch=3) == whole


def observed(
    cells: Sequence[Cell], policy: Any, seen: list[Observation]
) -> dict[tuple[str, int], Observation]:
    ends = list(run(cells, policy, source(DRIFTING), None, Stopwatch(), abreast=2))
    assert {end.record.fault for end in ends} == {""}
    return {(obs.episode, obs.step): obs for obs in seen}


@pytest.mark.parametrize(("n_obs_steps", "execute"), [(1, 1), (2, 8), (3, 2), (5, 2), (4, 1)])
def test_what_is_past_is_what_was_there(
    n_obs_steps: int, execute: int, scripted: Callable[..., Any]
) -> None:
    seen: list[Observation] = []

    def act(observations: Any, *_: Any) -> Any:
        seen.extend(observations)
        return np.full((len(observations), execute, 7), 0.3)

    def looking(**traits: Any) -> Any:
        return scripted(act, **traits)

    asked = Settings(("scripted",), (DRIFTING,), episodes=3)
    cells = expand(asked, {"scripted": looking().traits}, [source(DRIFTING)])
    every = observed(cells, looking(execute=1), seen)
    assert len({name for name, _ in every}) == 3
    seen.clear()
    some = observed(cells, looking(n_obs_steps=n_obs_steps, execute=execute), seen)
    assert {step for _, step in some} == {step for _, step in every if step % execute == 0}
    for (name, step), now in some.items():
        assert [obs.step for obs in now.past] == [
            max(0, step - ago) for ago in range(n_obs_steps - 1, 0, -1)
        ]
        for obs in (*now.past, now):
            there = every[name, obs.step]
            assert obs.episode == name
            np.testing.assert_array_equal(obs.proprio, there.proprio)
            np.testing.assert_array_equal(obs.images["front"], there.images["front"])
            assert not obs.images["front"].flags.writeable
        assert all(obs.memory is None and not obs.past for obs in now.past)


def test_pictures_are_drawn_only_of_what_is_shown(
    scripted: Callable[..., Any], cells_of: CELLS, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, renderer = [], make("tiny")
    original = renderer.draw
    monkeypatch.setattr(renderer, "draw", lambda *args: drawn.append(1) or original(*args))
    policy = scripted(lambda obs, *_: np.zeros((len(obs), 8, 7)), image_side=8, n_obs_steps=2)
    (end,) = run(cells_of(policy, episodes=1), policy, task("reach_cube"), renderer, Stopwatch())
    assert len(drawn) == 2 * 2 * end.record.replans  # two cameras; each plan, and before the next


@pytest.mark.parametrize("told", [[1, 2, 3], "ab", 5])
def test_what_is_remembered_is_one_a_row(
    told: Any, scripted: Callable[..., Any], play: Callable[..., list[Outcome]]
) -> None:
    policy = scripted(lambda obs, *_: np.zeros((len(obs), 8, 7)))
    plan = policy.plan
    policy.plan = lambda *asked: Plan(plan(*asked).actions, memory=told)
    (end,) = play(policy, episodes=1)
    assert (end.record.status, end.record.replans) == ("policy_fault", 1)
    assert end.record.fault.startswith("memory: expected a list of 1, got ")


def test_a_policy_that_sees_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="n_obs_steps: 0 is too few; this one counts"):
        Traits(n_obs_steps=0)
