"""Whatever a policy does wrong counts against it, and against nobody else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.envs.physics.mujoco import MujocoWorld
from pi0bench.envs.physics.pybullet import PybulletWorld
from pi0bench.envs.render.choose_renderer import make
from pi0bench.evaluate import supervised_executor
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.rollout import Outcome
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.supervised_executor import Local
from pi0bench.policy import registry
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task
from tests.evaluate.test_ask_policy import sound
from tests.faults.toys import HARMS, playing
from tests.runs import run as measure

Play = Callable[..., list[Outcome]]


@pytest.mark.parametrize("returned", [np.full((1, 8, 7), np.nan), np.zeros((1, 8, 6)), "actions"])
def test_the_simulator_never_sees_a_faulty_action(
    returned: Any, scripted: Callable[..., Any], play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(*_: Any) -> Any:
        raise AssertionError("it did")

    monkeypatch.setattr(Tabletop, "step", step)
    (outcome,) = play(scripted(lambda *_: returned), episodes=1)
    record = outcome.record
    assert (record.status, record.length, record.replans) == ("policy_fault", 0, 1)
    assert record.fault.startswith("actions: expected")
    assert outcome.timing.replan_ms is None


@pytest.mark.parametrize(
    ("engine", "world"), [("mujoco", MujocoWorld), ("pybullet", PybulletWorld)]
)
def test_nor_does_it_when_the_policy_goes_mad_later(
    engine: str,
    world: type[Any],
    scripted: Callable[..., Any],
    play: Play,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    targets, original = [], world.set_arm_target

    def set_arm_target(self: Any, q_rad: Any, width_m: float) -> None:
        targets.append([*q_rad, width_m])
        original(self, q_rad, width_m)

    monkeypatch.setattr(world, "set_arm_target", set_arm_target)
    chunks = iter([0.1, 0.1, 0.1, 1e300, np.inf])  # the first two are for the clock
    policy = scripted(lambda obs, *_: np.full((len(obs), 8, 7), next(chunks)))
    (outcome,) = play(policy, episodes=1, engine=engine)
    record = outcome.record
    assert (record.status, record.length, record.replans) == ("policy_fault", 16, 3)
    assert np.isfinite(targets).all()
    assert np.abs(targets).max() < 10  # what is finite and far out of range is cut to the range


def test_a_fault_in_the_middle_of_a_batch_leaves_the_others_alone(
    scripted: Callable[..., Any], play: Play
) -> None:
    def act(observations: Any, noise: Any, steps: int) -> Any:
        actions = np.stack([rng.uniform(-1, 1, (8, 7)) for rng in noise])
        for observation in observations:
            if observation.instruction == guilty.instruction:
                raise RuntimeError("no")
        return actions

    alone = play(registry.load("random"), episodes=3)
    guilty = alone[1].record
    assert len({end.record.instruction for end in alone}) == 3
    outcomes = play(scripted(act), episodes=3)
    assert [end.record.status for end in outcomes] == ["failure", "policy_fault", "failure"]
    assert [end.record.length for end in outcomes] == [120, 0, 120]


def test_writing_into_an_observation_is_a_fault(
    scripted: Callable[..., Any], cells_of: Callable[..., Any]
) -> None:
    def scribble(observations: Any, *_: Any) -> Any:
        observations[0].images["front"][:] = 0

    policy = scripted(scribble, image_side=16)
    cells = cells_of(policy, episodes=1)
    (outcome,) = run(cells, policy, task("reach_cube"), make("tiny"), Stopwatch())
    assert outcome.record.status == "policy_fault"
    assert outcome.record.fault == "ValueError: assignment destination is read-only"


def test_a_slow_policy_is_timed(scripted: Callable[..., Any], play: Play) -> None:
    def slow(observations: Any, *_: Any) -> Any:
        time.sleep(0.02)
        return sound(observations)

    (outcome,) = play(scripted(slow), episodes=1)
    assert outcome.record.status == "failure"
    assert outcome.timing.replan_ms is not None
    assert outcome.timing.replan_ms >= 20


def test_a_policy_that_exits_is_at_fault(scripted: Callable[..., Any], play: Play) -> None:
    (outcome,) = play(scripted(lambda *_: sys.exit(0)), episodes=1)
    assert (outcome.record.status, outcome.record.fault) == ("policy_fault", "SystemExit: 0")


def test_a_policy_that_ends_its_process_is_at_fault_and_lack_of_memory_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervised_executor, "ATTEMPTS", 1)
    executor = Local(2)
    ends = list(executor.run([*map(playing, HARMS)]))
    executor.close()
    assert {end.record.cell.task: (end.record.status, end.record.fault) for end in ends} == {
        "reach_cube": ("policy_fault", "its process was ended by SIGSEGV, 1 times"),
        "cube_in_bowl": ("policy_fault", "its process ended with 0, 1 times"),
        "stack_two_cubes": ("infra_error", "MemoryError, 1 times"),
    }


def test_a_policys_fault_counts_as_a_failure(tmp_path: Path, scripted: Any) -> None:
    scripted(lambda obs, *_: np.full((len(obs), 8, 7), np.nan))
    settings = Settings(("scripted",), ("reach_cube",), renderer="tiny", episodes=4)
    assert measure(settings, tmp_path, How(video=False), Console(quiet=True)) == 0
    assert (tmp_path / "episodes.jsonl").read_bytes().count(b'"policy_fault"') == 4
    assert "| 0/4 |" in (tmp_path / "table.md").read_text()
