from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

from pi0bench.errors import UsageError
from pi0bench.evaluate.ask_policy import Chunk, Question, ask
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.policy.policy_protocol import Observation
from pi0bench.random_streams import stream
from pi0bench.records.record import Cell

BAD_ROW = 2
CELL = Cell("scripted", "none", "reach_cube", "0", "mujoco", "tiny", "nominal", 0, 0, 5, "euler")


def question(row: int) -> Question:
    proprio = np.full(10, row, np.float32)
    proprio.setflags(write=False)
    observation = Observation(MappingProxyType({}), proprio, f"row {row}")
    return Question(observation, partial(stream, "noise", 0, "reach_cube", row, 0))


QUESTIONS = [question(row) for row in range(4)]


def sound(observations: Any, *_: Any) -> Any:
    return np.zeros((len(observations), 8, 7))


def test_a_sound_plan_is_cut_to_what_is_executed(scripted: Callable[..., Any]) -> None:
    policy = scripted(lambda obs, *_: np.ones((len(obs), 16, 7), np.float32))
    for answer in ask(policy, QUESTIONS, CELL):
        assert isinstance(answer, Chunk)
        assert answer.actions.shape == (8, 7)
        assert answer.actions.dtype == np.float64
        assert answer.trunk_evaluations == CELL.steps
    assert policy.asked == [4]


def test_what_is_out_of_range_is_clipped_and_counted(scripted: Callable[..., Any]) -> None:
    def act(observations: Any, *_: Any) -> Any:
        actions = sound(observations)
        actions[1, 2, :3] = -1.5, 7.0, 1.0
        return actions

    one, other, *_ = ask(scripted(act), QUESTIONS, CELL)
    assert isinstance(one, Chunk)
    assert isinstance(other, Chunk)
    assert other.actions[2, :3].tolist() == [-1, 1, 1]
    assert other.clipped is not None
    assert other.clipped.tolist() == [0, 0, 2, 0, 0, 0, 0, 0]
    assert one.clipped is None or not one.clipped.any()


def bad_row(kind: str, observations: Any) -> Any:
    actions = sound(observations)
    for row, observation in enumerate(observations):
        if observation.instruction == f"row {BAD_ROW}":
            if kind == "raises":
                raise RuntimeError("no idea\nat all")
            if kind == "writes":
                observation.proprio[0] = 1.0
            actions[row, 3, 4] = {"nan": np.nan, "inf": -np.inf}.get(kind, 0.0)
    return actions


def test_a_users_mistake_is_no_fault_of_the_policy(scripted: Callable[..., Any]) -> None:
    def refuse(*_: Any) -> Any:
        raise UsageError("this sampler has no step count 3")

    with pytest.raises(UsageError):
        ask(scripted(refuse), QUESTIONS, CELL)


def test_asking_again_starts_the_noise_again(scripted: Callable[..., Any]) -> None:
    def noisy(observations: Any, noise: Any, _: int) -> Any:
        drawn = np.stack([rng.uniform(-1, 1, (8, 7)) for rng in noise])
        return bad_row("raises", observations) + drawn

    calm = ask(scripted(lambda obs, noise, _: bad_row("none", obs) + draw(noise)), QUESTIONS, CELL)
    split = ask(scripted(noisy), QUESTIONS, CELL)
    for row in (0, 1, 3):
        left, right = calm[row], split[row]
        assert isinstance(left, Chunk)
        assert isinstance(right, Chunk)
        np.testing.assert_array_equal(left.actions, right.actions)


def draw(noise: Any) -> Any:
    return np.stack([rng.uniform(-1, 1, (8, 7)) for rng in noise])


def test_the_first_plan_of_a_process_is_not_timed(scripted: Callable[..., Any]) -> None:
    policy, stopwatch = scripted(sound), Stopwatch()
    took = [stopwatch.times(policy, question, CELL) for question in QUESTIONS[:2]]
    assert all(times["replan_ms"] > 0 for times in took)
    assert policy.asked == [1, 1, 1]
    assert stopwatch.times(scripted(lambda *_: None), QUESTIONS[0], CELL) == {}


@pytest.mark.parametrize(("rows", "asked"), [(1, [7]), (2, [2] * 4), (3, [3] * 3), (8, [8])])
def test_a_policy_never_sees_how_many_robots_plan(
    rows: int, asked: list[int], scripted: Callable[..., Any]
) -> None:
    policy = scripted(sound, rows=rows)
    questions = [question(row) for row in range(10, 17)]
    assert len(ask(policy, questions, CELL)) == 7
    assert policy.asked == asked
