"""A task of robosuite, as a source of episodes."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pi0bench.envs.content_models import read
from pi0bench.envs.episode_protocol import OWN
from pi0bench.errors import UsageError
from pi0bench.random_streams import stream
from pi0bench.robosuite.cameras import SCENE
from pi0bench.robosuite.task_spec import SOURCE, spec

if TYPE_CHECKING:
    from pi0bench.robosuite.environment import Stage
    from pi0bench.robosuite.episode import RobosuiteEpisode


class RobosuiteTask:
    """A task of robosuite (see `pi0bench.evaluate.task_sources.Outside`).

    Raises:
        UsageError: there is none of that name, or robosuite is not installed.
    """

    engine, renderer = SOURCE, OWN

    def __init__(self, name: str) -> None:
        self._spec = spec(name)
        if find_spec(SOURCE) is None:
            raise UsageError(
                f'{SOURCE}/{name}: robosuite is not installed; pip install "pi0bench[robosuite]"'
            )
        self.id = f"{SOURCE}/{name}"
        said = f"{name} {self._spec.hash} {read(*SCENE)['profile']} robosuite=={version(SOURCE)}"
        self.hash = hashlib.sha256(said.encode()).hexdigest()[:12]

    def begin(self, seed: int, number: int, env: Stage | None = None) -> RobosuiteEpisode:
        """Start an episode, by a reset of `env` if given; its number decides the start state."""
        from pi0bench.robosuite.episode import RobosuiteEpisode

        rng = stream("evaluation", seed, self.id, number)
        return RobosuiteEpisode(self._spec, rng, env)
