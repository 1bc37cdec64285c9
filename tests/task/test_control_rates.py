"""At every control rate the expert does the same, in as many seconds."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.envs.controller import CONTROL_HZ
from pi0bench.task.task_files import task
from pi0bench.task.varied_episode import VariedTabletop


def demonstrated(name: str, hz: int, number: int = 0) -> VariedTabletop:
    episode = VariedTabletop(task(name), "mujoco", "nominal", 0, number, control_hz=hz)
    while not episode.over:
        episode.step(episode.expert_action())
    return episode


@pytest.mark.parametrize("name", ["cube_in_bowl", "press_button", "cube_off_the_belt"])
def test_the_expert_reaches_the_goal_at_every_rate(name: str) -> None:
    took_s = []
    for hz in CONTROL_HZ:
        episode = demonstrated(name, hz)
        assert episode.succeeded, f"not at {hz} Hz"
        assert episode.max_steps == round(task(name).max_s * hz)
        took_s.append(episode.steps / hz)
        episode.close()
    assert max(took_s) - min(took_s) < 0.5


def test_what_moves_by_itself_is_where_it_is_at_that_second() -> None:
    still = np.array([0, 0, 0, 0, 0, 0, 1.0])
    there = []
    for hz in (10, 20, 50):
        episode = VariedTabletop(task("cube_on_moving_plate"), "mujoco", "nominal", 0, 0, hz)
        for _ in range(2 * hz):
            episode.step(still)
        there.append(episode.world.pose("plate").pos_m)
        episode.close()
    np.testing.assert_allclose(there[0], there[1], atol=1e-4)
    np.testing.assert_allclose(there[2], there[1], atol=1e-4)
