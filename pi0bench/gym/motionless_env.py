"""An environment in which nothing moves, to measure what measuring itself takes."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

Proprio = NDArray[np.float32]


class StillEnv(gymnasium.Env[Proprio, NDArray[np.float32]]):
    """Observes (13,) zeros and takes actions (7,); never rewards and never ends by itself."""

    metadata = {"render_modes": [], "render_fps": 20}  # noqa: RUF012
    observation_space = spaces.Box(-1.0, 1.0, (13,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (7,), np.float32)
    _proprio = np.zeros(13, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Proprio, dict[str, Any]]:
        """Start an episode, the same each time."""
        super().reset(seed=seed)
        return self._proprio, {}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[Proprio, float, bool, bool, dict[str, Any]]:
        """Do nothing."""
        return self._proprio, 0.0, False, False, {}
