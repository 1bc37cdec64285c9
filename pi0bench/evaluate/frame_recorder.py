"""Frames of an episode, for a video."""

from __future__ import annotations

from pi0bench.envs.episode_protocol import Episode
from pi0bench.envs.render.renderer_protocol import Image, Renderer
from pi0bench.gym.rgb_frames import fitted

SIDE_PX = 256
FPS = 10
_LINGER = 5


class Film:
    """Takes pictures of an episode, ten a second of its own time, and lingers on the last state."""

    def __init__(self, renderer: Renderer | None) -> None:
        self._renderer = renderer
        self._frames: list[Image] = []
        self._shown = -1

    def __call__(self, env: Episode, last: bool) -> None:
        """Take the frames that are due by now, and one of the last state."""
        due = env.steps * FPS // env.control_hz + 1 - len(self._frames)
        if due < 1 and not (last and env.steps > self._shown):
            return
        frame = env.frame(self._renderer, SIDE_PX)
        if frame is not None:
            # A video has one size, and what a slow step began with is seen until it ends.
            height, width, _ = (self._frames or [frame])[0].shape
            seen = fitted(frame, height, width)
            self._frames += [*self._frames[-1:] * (due - 1), seen]
            self._shown = env.steps

    def frames(self) -> tuple[Image, ...]:
        """Return the frames, (H, W, 3) each."""
        return (*self._frames, *self._frames[-1:] * _LINGER)
