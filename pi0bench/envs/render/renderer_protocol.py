"""What a renderer is, and what it draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Geom

Image = NDArray[np.uint8]
NEAR_M, FAR_M = 0.01, 10.0


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera: looks along its -z axis, y is up, as in OpenGL."""

    pose: Pose
    fovy_deg: float


@dataclass(frozen=True, eq=False)
class Light:
    """How the light departs from a renderer's own, which the defaults leave as it is.

    Attributes:
        turn: rotation of the direction that it comes from, (3, 3).
        brightness: factor of all light.
        rgb: factors of its red, green and blue.
    """

    turn: Array = field(default_factory=lambda: np.eye(3))
    brightness: float = 1.0
    rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, eq=False)
class Picture:
    """What there is to draw: primitives, where each of them is, and the light on them.

    Attributes:
        geoms: the primitives, G of them.
        pos_m: world positions, (G, 3).
        rot: world rotations, (G, 3, 3).
        light: what it looks like where the light is not the usual one.
    """

    geoms: tuple[Geom, ...]
    pos_m: Array
    rot: Array
    light: Light = field(default_factory=Light)


class Renderer(Protocol):
    """Draws pictures without shadows, multisampling or textures."""

    name: str

    def draw(self, picture: Picture, camera: Camera, height: int, width: int) -> Image:
        """RGB image, (height, width, 3)."""
        ...

    def close(self) -> None:
        """Free the renderer's memory."""
        ...
