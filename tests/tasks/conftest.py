from __future__ import annotations

import pytest

from pi0bench.tasks.load import task, task_ids
from pi0bench.tasks.spec import TaskSpec


@pytest.fixture(params=task_ids())
def spec(request: pytest.FixtureRequest) -> TaskSpec:
    return task(request.param)


@pytest.fixture(params=["mujoco", "pybullet"])
def engine(request: pytest.FixtureRequest) -> str:
    return request.param
