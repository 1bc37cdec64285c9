"""Where tasks come from, and how an episode of one begins."""

from __future__ import annotations

from typing import Any, Protocol

from pi0bench.envs.episode_protocol import Episode
from pi0bench.records.record import Cell
from pi0bench.task import task_files
from pi0bench.task.task_spec import TaskSpec
from pi0bench.task.varied_episode import VariedTabletop

GYMNASIUM, ROBOSUITE = "gymnasium", "robosuite"


class Outside(Protocol):
    """A task of another library."""

    @property
    def id(self) -> str:
        """The source's name, a slash, and the library's own name."""
        ...

    @property
    def hash(self) -> str:
        """Of all that decides what the task is, 12 hex digits."""
        ...

    @property
    def engine(self) -> str:
        """The physics, as cells name it."""
        ...

    @property
    def renderer(self) -> str:
        """What draws, as cells name it."""
        ...

    def begin(self, seed: int, number: int, env: Any = None) -> Episode:
        """Start that episode.

        Args:
            seed: of all start states.
            number: the episode's.
            env: the `env` of an episode that has ended, to be reset; None builds a fresh one.

        Raises:
            EnvFault: the environment cannot be built or reset.
        """
        ...


Task = TaskSpec | Outside


def task(name: str) -> Task:
    """The task of that id: one of ours, or `gymnasium/` or `robosuite/` and the name there.

    Raises:
        UsageError: there is none, or its file is wrong.
    """
    source, slash, rest = name.partition("/")
    if slash and source == GYMNASIUM:
        from pi0bench.gym.external_env_task import GymTask

        return GymTask(rest)
    if slash and source == ROBOSUITE:
        from pi0bench.robosuite.task import RobosuiteTask

        return RobosuiteTask(rest)
    return task_files.task(name)


def suite(name: str) -> tuple[str, ...]:
    """Ids of a suite's tasks; all of robosuite's are one.

    Raises:
        UsageError: there is no such suite.
    """
    if name == ROBOSUITE:
        from pi0bench.robosuite.task_spec import names

        return tuple(f"{ROBOSUITE}/{task}" for task in names())
    return tuple(spec.id for spec in task_files.suite(name))


def begin(cell: Cell, task: Task) -> Episode:
    """Start a cell's episode in a world of its own.

    Raises:
        EnvFault: the world cannot be built.
    """
    if isinstance(task, TaskSpec):
        start = (cell.variation, cell.seed, cell.episode)
        return VariedTabletop(task, cell.engine, *start, control_hz=cell.control_hz)
    return task.begin(cell.seed, cell.episode)
