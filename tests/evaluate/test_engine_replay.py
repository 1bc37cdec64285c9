"""What was done in one engine reaches the goal in the other, without looking."""

from __future__ import annotations

import pytest

from pi0bench.evaluate.engine_replay import replay
from pi0bench.task.task_files import task

OTHER = {"mujoco": "pybullet", "pybullet": "mujoco"}

# A thing that is pushed drifts from its path, and only looking brings it back: the least share of
# episodes in which the other engine reaches the goal without looking.
STEERED = {"push_cube_to_zone": 0.25, "push_t": 0.0}


def test_recorded_actions_reach_the_goal_in_the_other_engine(task_id: str, engine: str) -> None:
    if task_id not in STEERED:  # the slow test has the shares
        assert replay(task(task_id), engine, OTHER[engine], 2) >= 1


@pytest.mark.slow
def test_nearly_all_recorded_actions_reach_the_goal_in_the_other_engine(
    task_id: str, engine: str
) -> None:
    assert replay(task(task_id), engine, OTHER[engine], 20) >= 20 * STEERED.get(task_id, 0.9)
