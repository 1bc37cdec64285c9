from __future__ import annotations

import pytest

from pi0bench.task.task_files import task, task_ids
from pi0bench.task.task_spec import TaskSpec


@pytest.fixture(params=task_ids())
def spec(request: pytest.FixtureRequest) -> TaskSpec:
    return task(request.param)
