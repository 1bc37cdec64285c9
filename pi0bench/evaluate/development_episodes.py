"""Episodes in which tasks are tried out: their start states are no result's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pi0bench.random_streams import stream
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_spec import TaskSpec


@contextmanager
def begun(task: TaskSpec, engine: str, episode: int) -> Iterator[Tabletop]:
    """The episode of that number at its start, closed afterwards.

    Raises:
        PlacementError: its objects find no place.
        PhysicsFault: the world breaks.
        UsageError: no engine has that name.
    """
    env = Tabletop(task, place(task, stream("development", 0, task.id, episode)), engine)
    try:
        yield env
    finally:
        env.close()
