"""Frames of an episode, for a video."""

from __future__ import annotations

from pi0bench.envs.episode import Episode
from pi0bench.envs.render.renderer import Image, Renderer

SIDE_PX = 256
FPS = 10
_LINGER = 5


class Film:
    """Takes pictures of an episode, ten a second, and lingers on the end."""

    def __init__(self, renderer: Renderer | None) -> None:
        self._renderer = renderer
        self._frames: list[Image] = []

    def __call__(self, env: Episode) -> None:
        """Take a frame where one is due."""
        if env.steps % (max(1, env.control_hz // FPS)) == 0:
            frame = env.frame(self._renderer, SIDE_PX)
            self._frames += [] if frame is None else [frame]

    def frames(self) -> tuple[Image, ...]:
        """Return the frames, (H, W, 3) each."""
        return (*self._frames, *self._frames[-1:] * _LINGER)
