"""What recording and learning to see ask of a world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.cameras import CAMERAS
from pi0bench.envs.episode_protocol import Verdict
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.render.renderer_protocol import Camera, Image, Renderer

Row = Mapping[str, NDArray[Any]]
"""One step's arrays."""


@dataclass(frozen=True)
class Disturbance:
    """How an execution is disturbed: pushes, and now and then fingers that open or shut.

    Attributes:
        push_m: the least and the greatest length of a push; all magnitudes between are as likely,
            since what is left of a carry is centimetres, and of an insertion millimetres.
        turn: and of its turning, in units of the action.
        share: of the episodes that are disturbed at all.
        grip: chance that a push also turns the fingers' command round.
        push_s: how long a push lasts.
        calm_s: least and greatest time between pushes.
    """

    push_m: tuple[float, float] = (0.002, 0.025)
    turn: float = 0.4
    share: float = 0.75
    grip: float = 0.12
    push_s: float = 0.15
    calm_s: tuple[float, float] = (0.5, 2.0)


@dataclass(frozen=True)
class PlacedKeypoint:
    """A point that an encoder learns to find in pictures.

    Attributes:
        name: such as "red cube".
        pos_m: where it is in the frame of the base, (3,).
        yaw_rad: the heading of its thing.
        yaw_symmetry: how many headings in a whole turn look the same; 0 for round things.
    """

    name: str
    pos_m: Array
    yaw_rad: float = 0.0
    yaw_symmetry: int = 0


class Task(Protocol):
    """A task that can be demonstrated."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def hash(self) -> str:
        """Of all that decides what it is."""
        ...


class Demonstration(Protocol):
    """An episode that an expert demonstrates (see `pi0bench.envs.episode_protocol.Episode`)."""

    @property
    def instruction(self) -> str:
        """What is asked, in words."""
        ...

    @property
    def control_hz(self) -> int:
        """Actions a second."""
        ...

    @property
    def speed_m_s(self) -> float:
        """The tool's when each of an action's first three numbers is 1."""
        ...

    @property
    def steps(self) -> int:
        """Control steps carried out."""
        ...

    @property
    def max_steps(self) -> int:
        """Control steps after which it ends."""
        ...

    @property
    def verdict(self) -> Verdict:
        """How it stands."""
        ...

    @property
    def succeeded(self) -> bool:
        """True when the goal is reached for good."""
        ...

    def step(self, action: Array) -> object:
        """Carry out one action, (7,)."""
        ...

    def expert_action(self) -> Array:
        """What the scripted expert would do now, (7,)."""
        ...

    def proprio(self) -> NDArray[np.float32]:
        """Proprioception, (13,)."""
        ...

    def close(self) -> None:
        """Free the world."""
        ...


class Moment(Protocol):
    """What there was, or could be, to see."""

    def images(
        self, renderer: Renderer | None, side: int, cameras: Sequence[str] = CAMERAS
    ) -> Mapping[str, Image]:
        """Each camera's picture, (side, side, 3)."""
        ...

    def camera(self, name: str) -> Camera:
        """Where a camera is, in the frame of the base."""
        ...

    def tool(self) -> Pose:
        """The point between the fingers."""
        ...

    def width_m(self) -> float:
        """How far the fingers are apart."""
        ...

    def keypoints(self) -> Sequence[PlacedKeypoint]:
        """What an encoder should find."""
        ...


class Scenery(Protocol):
    """What stays as it is for a whole demonstration."""

    def moment(self, row: Row) -> Moment:
        """A step of it, by what was noted down (see `World.note`)."""
        ...


Glance = Callable[[str, np.random.Generator], tuple[Scenery, Row]]
"""Looks at a random step of a random demonstration of a task."""


class World(Protocol):
    """See the package's docstring."""

    @property
    def renderers(self) -> Sequence[str]:
        """Names of those that draw it for learning."""
        ...

    @property
    def disturbance(self) -> Disturbance:
        """How demonstrations are disturbed when nothing else is asked."""
        ...

    def tasks(self, suites: Sequence[str]) -> Sequence[Task]:
        """The tasks of several suites, each once, sorted."""
        ...

    def begin(self, task: str, seed: int, number: int) -> Demonstration:
        """Start a demonstration; no evaluation starts in the same state."""
        ...

    def note(self, episode: Any) -> Row:
        """All that is needed to draw and label this step again, in arrays of one shape."""
        ...

    def scenery(self, task: str, seed: int, number: int) -> Scenery:
        """That of a demonstration; one of a task at a time."""
        ...

    def invent(self, task: str, glance: Glance, rng: np.random.Generator) -> Moment:
        """A moment that no physics led to."""
        ...

    def keypoint_heights_m(self, tasks: Sequence[str]) -> Mapping[str, float]:
        """The keypoints of these tasks by name, sorted, and the height at which each usually is."""
        ...

    def calibration(self) -> Mapping[str, Any]:
        """Where the cameras sit (see `pi0bench.envs.cameras.calibration`)."""
        ...
