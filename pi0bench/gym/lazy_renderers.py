"""What an environment draws with, started when the first picture is drawn."""

from __future__ import annotations

import gymnasium

from pi0bench.envs.render import choose_renderer
from pi0bench.envs.render.presentation import PlainPresentation, Presentation, presentation
from pi0bench.envs.render.renderer_protocol import Renderer


class LazyRenderers:
    """The renderer of what policies see, and the one for people; warns where one is a makeshift.

    Args:
        asked: gl, tiny or auto; with tiny, no picture needs OpenGL.
        engine: whose own renderer auto is.
    """

    def __init__(self, asked: str, engine: str) -> None:
        self._asked, self._engine = asked, engine
        self._for_policies: Renderer | None = None
        self._for_people: Presentation | None = None

    def for_policies(self) -> Renderer:
        """What draws the observed pictures."""
        if self._for_policies is None:
            name, why = choose_renderer.choose(self._asked, self._engine)
            _warn(why)
            self._for_policies = choose_renderer.make(name)
        return self._for_policies

    def for_people(self) -> Presentation:
        """What draws for `render()`."""
        if self._for_people is None and self._asked == "tiny":
            self._for_people = PlainPresentation()
        if self._for_people is None:
            self._for_people, why = presentation()
            _warn(why)
        return self._for_people

    def close(self) -> None:
        """Free both; they start again when they are needed."""
        for drawer in (self._for_policies, self._for_people):
            if drawer is not None:
                drawer.close()
        self._for_policies, self._for_people = None, None


def _warn(why: str) -> None:
    if why:
        gymnasium.logger.warn(why)
