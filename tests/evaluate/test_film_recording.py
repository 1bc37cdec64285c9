from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.episode_protocol import Verdict
from pi0bench.envs.render.choose_renderer import make
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.film_recording import FirstOfEach, Recorder, Recording, Recordings
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.records.record import Cell, Record
from pi0bench.task.task_files import task

Cells = Callable[..., Cell]
Records = Callable[..., Record]


class Clock:
    """An episode whose picture shows how many steps it has made."""

    instruction = "wait"
    verdict = Verdict()

    def __init__(self, control_hz: int) -> None:
        self.control_hz, self.steps = control_hz, 0

    def frame(self, height: int, width: int) -> Any:
        return np.full((2, 2, 3), self.steps, np.uint8)


def recorded(control_hz: int, steps: int) -> Recording:
    env: Any = Clock(control_hz)
    recorder = Recorder(env)
    recorder.note()
    for step in range(1, steps + 1):
        env.steps = step
        recorder.note(last=step == steps)
    return recorder.recording()


@pytest.mark.parametrize("steps", range(1, 22))
@pytest.mark.parametrize("control_hz", [1, 3, 7, 10, 15, 20, 25, 30, 50, 100])
def test_recordings_end_on_the_last_state_and_play_at_the_right_speed(
    control_hz: int, steps: int
) -> None:
    recording = recorded(control_hz, steps)
    noted = [int(moment.shown[0, 0, 0]) for moment in recording.moments]  # type: ignore[index]
    assert noted == sorted(set(noted))
    assert (noted[0], noted[-1]) == (0, steps)
    assert recording.fps <= 20
    if control_hz <= 20:
        assert noted == list(range(steps + 1))
    for number, step in enumerate(noted[:-1]):
        assert step / control_hz == pytest.approx(number / recording.fps)


def test_the_last_state_is_noted_once() -> None:
    env: Any = Clock(20)
    recorder = Recorder(env)
    recorder.note()
    recorder.note(last=True)
    assert len(recorder.recording().moments) == 1


def test_a_recording_is_of_the_measured_episode_and_shows_what_the_policy_saw(
    looking: Any, cells_of: Callable[..., tuple[Cell, ...]]
) -> None:
    (cell,) = cells_of(looking, episodes=1)
    drawer = make("tiny")
    (end,) = run([cell], looking, task("reach_cube"), drawer, Stopwatch(), FirstOfEach())
    (bare,) = run([cell], looking, task("reach_cube"), drawer, Stopwatch())
    drawer.close()
    assert end.record == bare.record
    assert bare.recording is None
    assert end.recording is not None
    moments = end.recording.moments
    assert len(moments) == end.record.length + 1
    assert all(isinstance(moment.shown, Snapshot) for moment in moments)
    looks = [moment.eyes for moment in moments]
    assert [looks[8 * k] is looks[8 * k + 7] for k in range(3)] == [True] * 3
    assert len({id(look) for look in looks}) == end.record.replans
    assert looks[0]["front"].shape == (32, 32, 3)
    arms = np.array([moment.shown.q_rad for moment in moments])  # type: ignore[union-attr]
    assert (np.abs(np.diff(arms, axis=0)).max(axis=1) > 1e-4).all()


def test_only_the_first_success_and_failure_are_kept(
    make_cell: Cells, make_record: Records
) -> None:
    first = FirstOfEach()
    ends = [(2, "failure"), (0, "failure"), (3, "success"), (1, "success"), (4, "infra_error")]
    taken = [first.take(make_record(make_cell(episode), status)) for episode, status in ends]
    assert taken == [True, True, True, True, False]
    assert [first.open(episode) for episode in range(3)] == [True, False, False]
    kept = Recordings()
    for episode, status in ends:
        kept.add(make_record(make_cell(episode), status), recorded(20, episode + 1))
    for episode, status in ends:
        found = kept.of(make_record(make_cell(episode), status))
        assert (found is not None) == (episode in (0, 1)), episode
