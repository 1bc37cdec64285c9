"""Environments kept between episodes, and whether a reset makes them as good as new."""

from __future__ import annotations

import contextlib
from typing import Any

from pi0bench.envs.episode_protocol import Episode
from pi0bench.envs.world_protocol import EnvFault
from pi0bench.evaluate.task_sources import Task, begin
from pi0bench.records.record import Cell
from pi0bench.task.task_spec import TaskSpec

MOST = 32
"""Heavy environments hold hundreds of megabytes each."""


class Kept:
    """A process's environments of other libraries, each reset for its next episode.

    The worlds of our own tasks are built for one start state each, and never kept.

    Args:
        most: environments that wait at a time; those that have waited longest are closed.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._idle: list[tuple[str, Any]] = []
        self._clean: dict[str, bool] = {}

    def begin(self, cell: Cell, task: Task) -> tuple[Episode, bool]:
        """Start a cell's episode, and tell whether its environment has had another one before.

        Raises:
            EnvFault: not even a fresh environment can be had.
        """
        env = self._taken(task.id)
        if env is not None and not isinstance(task, TaskSpec):
            try:
                return task.begin(cell.seed, cell.episode, env), True
            except EnvFault:  # a fresh one may do better
                _close(env)
        return begin(cell, task), False

    def end(self, cell: Cell, episode: Episode, sound: bool) -> None:
        """Keep the environment of an episode, unless something broke in it."""
        env = getattr(episode, "env", None)
        if env is None or not sound or self.clean(cell.task) is False:
            _close(episode)
            return
        self._idle.append((cell.task, env))
        while len(self._idle) > self._most:
            _close(self._idle.pop(0)[1])

    def clean(self, task: str) -> bool | None:
        """Whether a reset of its environment is as good as a fresh one; None if none has looked."""
        return self._clean.get(task)

    def judge(self, task: str, clean: bool) -> None:
        """Remember it; what is not clean is built anew for each episode from now on."""
        self._clean[task] = clean
        while not clean and (env := self._taken(task)) is not None:
            _close(env)

    def close(self) -> None:
        """Close those that wait."""
        while self._idle:
            _close(self._idle.pop()[1])

    def _taken(self, task: str) -> Any:
        """An environment that waits, the latest; None where there is none."""
        for place in reversed(range(len(self._idle))):
            if self._idle[place][0] == task:
                return self._idle.pop(place)[1]
        return None


def _close(what: Any) -> None:
    with contextlib.suppress(Exception):  # what broke may not even end well
        what.close()
