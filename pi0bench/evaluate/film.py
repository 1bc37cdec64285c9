"""Frames of an episode, for a video."""

from __future__ import annotations

from pi0bench.envs.render.renderer import Image, Renderer
from pi0bench.envs.tabletop import Tabletop

SIDE_PX = 256
FPS = 10
_LINGER = 5


class Film:
    """Draws what the front camera sees, ten times a second, and lingers on the end."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._frames: list[Image] = []

    def __call__(self, env: Tabletop) -> None:
        """Take a frame where one is due."""
        if env.steps % (env.control_hz // FPS) == 0:
            self._frames.append(env.view("front", self._renderer, SIDE_PX))

    def frames(self) -> tuple[Image, ...]:
        """Return the frames, (256, 256, 3) each."""
        return (*self._frames, *self._frames[-1:] * _LINGER)
