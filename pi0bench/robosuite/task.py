"""A task of robosuite, as a source of episodes."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pi0bench.envs.episode_protocol import OWN
from pi0bench.errors import UsageError, unknown
from pi0bench.random_streams import stream
from pi0bench.robosuite.specs import SOURCE, SPECS

if TYPE_CHECKING:
    from pi0bench.robosuite.environment import Stage
    from pi0bench.robosuite.episode import RobosuiteEpisode

_PROFILE = 1  # of pictures, reset and success: a change makes every task another one


class RobosuiteTask:
    """A task of robosuite (see `pi0bench.evaluate.task_sources.Outside`).

    Raises:
        UsageError: there is none of that name, or robosuite is not installed.
    """

    engine, renderer = SOURCE, OWN

    def __init__(self, name: str) -> None:
        if name not in SPECS:
            raise UsageError(unknown("task of robosuite", name, SPECS))
        if find_spec(SOURCE) is None:
            raise UsageError(
                f'{SOURCE}/{name}: robosuite is not installed; pip install "pi0bench[robosuite]"'
            )
        self.id, self._name = f"{SOURCE}/{name}", name
        said = f"{name} {SPECS[name]} {_PROFILE} robosuite=={version(SOURCE)}"
        self.hash = hashlib.sha256(said.encode()).hexdigest()[:12]

    def begin(self, seed: int, number: int, env: Stage | None = None) -> RobosuiteEpisode:
        """Start an episode, by a reset of `env` if given; its number decides the start state."""
        from pi0bench.robosuite.episode import RobosuiteEpisode

        rng = stream("evaluation", seed, self.id, number)
        return RobosuiteEpisode(self._name, SPECS[self._name], rng, env)
