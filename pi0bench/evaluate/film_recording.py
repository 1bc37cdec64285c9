"""What is noted of an episode while it runs, so that a film can be drawn of it afterwards."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.episode_protocol import Episode, Verdict
from pi0bench.envs.render.presentation import FILM_PX
from pi0bench.envs.render.renderer_protocol import Image, Light
from pi0bench.envs.scene import Scene
from pi0bench.records.record import Record
from pi0bench.report.rollout_videos import choose
from pi0bench.task.tabletop_episode import Tabletop

MOST_HZ = 20
"""A film has at most so many frames a second of the episode's time."""

_MOST_EYES_PX = 128


@dataclass(frozen=True, eq=False)
class Moment:
    """A state of an episode.

    Attributes:
        shown: where everything is, or a picture where the world draws by itself.
        verdict: how the episode stood.
        eyes: what the policy saw when it last planned, by camera; empty when it sees nothing.
    """

    shown: Snapshot | Image
    verdict: Verdict
    eyes: Mapping[str, Image]


@dataclass(frozen=True, eq=False)
class Recording:
    """An episode, to be drawn.

    Attributes:
        moments: from its start to its end.
        fps: moments a second; the last one may come sooner.
        stages: that the task has; 0 where it has none.
        instruction: what was asked.
        scene: what the snapshots are of; None where the world draws by itself.
        light: on it.
    """

    moments: tuple[Moment, ...]
    fps: float
    stages: int
    instruction: str
    scene: Scene | None = None
    light: Light | None = None


class Recorder:
    """Notes the states of one episode; nothing is drawn, but by worlds that draw by themselves."""

    def __init__(self, env: Episode) -> None:
        self._env = env
        self._every = max(1, math.ceil(env.control_hz / MOST_HZ))
        self._eyes: Mapping[str, Image] = {}
        self._moments: list[Moment] = []
        self._noted = -1

    def saw(self, images: Mapping[str, Image]) -> None:
        """Note what the policy sees as it plans, in this state."""
        self._eyes = {name: _small(image) for name, image in images.items()}
        if self._moments and self._noted == self._env.steps:
            self._moments[-1] = replace(self._moments[-1], eyes=self._eyes)

    def note(self, last: bool = False) -> None:
        """Note the state if it is due, or the last one that there is."""
        env = self._env
        if env.steps == self._noted or (env.steps % self._every and not last):
            return
        shown = env.frame(*FILM_PX)
        if shown is not None:
            self._moments.append(Moment(shown, env.verdict, self._eyes))
            self._noted = env.steps

    def recording(self) -> Recording:
        """All that was noted."""
        env, fps = self._env, self._env.control_hz / self._every
        if not isinstance(env, Tabletop):
            return Recording(tuple(self._moments), fps, 0, env.instruction)
        stages, light = len(env.task.ways[0].stages), env.conditions.light
        scene = env.world.scene
        return Recording(tuple(self._moments), fps, stages, env.instruction, scene, light)


class FirstOfEach:
    """Tells which episodes of a job may still be its first success or its first failure."""

    def __init__(self) -> None:
        self._first = {True: math.inf, False: math.inf}

    def open(self, episode: int) -> bool:
        """True while one of them may be it."""
        return episode < max(self._first.values())

    def take(self, record: Record) -> bool:
        """True when it is the first of those that have ended so up to now."""
        success = record.status == "success"
        first = record.final and record.cell.episode < self._first[success]
        if first:
            self._first[success] = record.cell.episode
        return first


class Recordings:
    """Keeps the recordings of the episodes that `choose` would film, of those that have ended."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Record, Recording]] = {}

    def add(self, record: Record, recording: Recording) -> None:
        """Take one more."""
        self._kept[record.cell.key()] = record, recording
        chosen = {r.cell.key() for r in choose(record for record, _ in self._kept.values())}
        self._kept = {key: kept for key, kept in self._kept.items() if key in chosen}

    def of(self, record: Record) -> Recording | None:
        """The recording of an episode, if it is kept."""
        kept = self._kept.get(record.cell.key())
        return kept[1] if kept else None


def _small(image: Image) -> Image:
    """A picture of a side that a corner has room for."""
    return image[:: (every := math.ceil(max(image.shape[:2]) / _MOST_EYES_PX)), ::every]
