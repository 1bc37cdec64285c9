"""What measuring may ask of one episode, whatever world it takes place in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array
from pi0bench.envs.render.renderer_protocol import Image, Renderer

if TYPE_CHECKING:
    from pi0bench.envs.cameras import Snapshot

OWN = "own"
"""The renderer of cells whose world draws by itself."""


@dataclass(frozen=True)
class Verdict:
    """How an episode stands after a control step.

    Attributes:
        goal_steps: control steps for which the goal has now held without a break.
        stages: how many stages were reached, in order, on the way that is farthest along.
        progress: partial credit in [0, 1]: stages reached, or the task's greatest score.
        mode: which of the task's modes the episode took, "" while it is open.
    """

    goal_steps: int = 0
    stages: int = 0
    progress: float = 0.0
    mode: str = ""


@dataclass(frozen=True, eq=False)
class Observation:
    """What the robot's sensors say.

    Attributes:
        proprio: proprioception, float32.
        images: RGB picture of each camera, (H, W, 3) uint8.
        points: a cloud, (N, 6) float32 (see `pi0bench.envs.state_and_points.Cloud`), or None.
        joints_rad: the arm's, as measured, (7,) float32, or None.
    """

    proprio: NDArray[np.float32]
    images: Mapping[str, Image] = field(default_factory=dict)
    points: NDArray[np.float32] | None = None
    joints_rad: NDArray[np.float32] | None = None


class Episode(Protocol):
    """An episode of a task, from its start state on: observe, act, judge."""

    @property
    def instruction(self) -> str:
        """What is asked, in words."""
        ...

    @property
    def low(self) -> Array:
        """The least action, (A,)."""
        ...

    @property
    def high(self) -> Array:
        """The greatest action, (A,)."""
        ...

    @property
    def control_hz(self) -> int:
        """Actions a second."""
        ...

    @property
    def speed_m_s(self) -> float | None:
        """The tool's when each of an action's first three numbers is 1; None where it has none."""
        ...

    @property
    def steps(self) -> int:
        """Control steps carried out."""
        ...

    @property
    def verdict(self) -> Verdict:
        """How it stands."""
        ...

    @property
    def succeeded(self) -> bool:
        """True when the goal is reached for good."""
        ...

    @property
    def over(self) -> bool:
        """True when no action can change any more whether it succeeded."""
        ...

    def observe(self, renderer: Renderer | None, side: int, points: int) -> Observation:
        """What the sensors say, once for each plan: noisy sensors draw anew each time.

        Args:
            renderer: draws the pictures; None for none.
            side: of the pictures, pixels.
            points: of the cloud; 0 for none.
        """
        ...

    def step(self, action: Array) -> object:
        """Carry out one legal action, (A,): none is below `low` or above `high`.

        Raises:
            EnvFault: the world cannot go on.
        """
        ...

    def expert_action(self) -> Array:
        """What the scripted expert would do now, (A,)."""
        ...

    def frame(self, height: int, width: int) -> Snapshot | Image | None:
        """What a film shows of this moment; None where that cannot be had.

        A snapshot where it can be drawn from that later, else a picture, (H, W, 3): of that height
        and width, in pixels, where the world can choose.
        """
        ...

    def close(self) -> None:
        """Free the world; how the episode stands can still be asked."""
        ...
