"""Start states in both engines, as fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pi0bench.random_streams import stream
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task, task_ids

MakeEnv = Callable[..., Tabletop]


@pytest.fixture(params=task_ids())
def task_id(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=["mujoco", "pybullet"])
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def make_env() -> Iterator[MakeEnv]:
    """Builds a task's start state in an engine: `make_env(task_id, engine, seed)`."""
    made: list[Tabletop] = []

    def make(task_id: str, engine: str, seed: int = 0, **options: Any) -> Tabletop:
        spec = task(task_id)
        layout = place(spec, stream("evaluation", 0, task_id, seed))
        made.append(Tabletop(spec, layout, engine, **options))
        return made[-1]

    yield make
    for env in made:
        env.close()
