"""Pictures for people of any snapshot, whatever engine moved it; no policy ever sees them."""

from __future__ import annotations

from typing import Protocol

from pi0bench.envs.cameras import Snapshot, picture
from pi0bench.envs.pose import look_at
from pi0bench.envs.render.choose_renderer import make
from pi0bench.envs.render.renderer_protocol import Camera, Image, Light
from pi0bench.envs.scene import Scene
from pi0bench.errors import MachineError

VIEW = Camera(look_at((1.56, -1.16, 1.02), (0.37, 0.0, 0.26), (0.0, 0.0, 1.0)), 36.0)
"""The whole robot and its table, from the far right corner."""

CLOSE_VIEW = Camera(look_at((1.32, -0.80, 0.66), (0.47, 0.0, 0.10), (0.0, 0.0, 1.0)), 34.0)
"""The hand and what lies on the table, for pictures too small to show more."""

PICTURE_PX = (720, 960)
"""Height and width of a picture to be printed."""

FILM_PX = (360, 480)
"""Height and width of a film's frames."""


class Presentation(Protocol):
    """Draws snapshots for people."""

    def draw(
        self,
        scene: Scene,
        snapshot: Snapshot,
        camera: Camera,
        height: int,
        width: int,
        light: Light | None = None,
    ) -> Image:
        """RGB image, (height, width, 3).

        Args:
            scene: what there is.
            snapshot: where it is.
            camera: from where it is seen.
            height: pixels, at most 960.
            width: pixels, at most 1280.
            light: how the light departs from the usual one.
        """
        ...

    def close(self) -> None:
        """Free its memory."""
        ...


class PlainPresentation:
    """See `Presentation`: as policies see the world, for machines without OpenGL."""

    def __init__(self) -> None:
        self._renderer = make("tiny")

    def draw(
        self,
        scene: Scene,
        snapshot: Snapshot,
        camera: Camera,
        height: int,
        width: int,
        light: Light | None = None,
    ) -> Image:
        """Draw an RGB image, (height, width, 3)."""
        return self._renderer.draw(picture(scene, snapshot, light), camera, height, width)

    def close(self) -> None:
        """Free the renderer's memory."""
        self._renderer.close()


def presentation(for_print: bool = False) -> tuple[Presentation, str]:
    """What draws for people on this machine, and one line that says why if it is a makeshift.

    Args:
        for_print: slower and finer, for single pictures; else for films.
    """
    from pi0bench.envs.render.presentation_renderer import PresentationRenderer
    from pi0bench.envs.render.presentation_stage import FOR_FILM, FOR_PRINT

    try:
        return PresentationRenderer(FOR_PRINT if for_print else FOR_FILM), ""
    except MachineError as error:
        return PlainPresentation(), f"{error} Drawing plainly, with tiny, instead."
