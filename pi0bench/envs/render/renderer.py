"""What a renderer is, and what it draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Geom

Image = NDArray[np.uint8]
NEAR_M, FAR_M = 0.01, 3.0


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera: looks along its -z axis, y is up, as in OpenGL."""

    pose: Pose
    fovy_deg: float


@dataclass(frozen=True, eq=False)
class Picture:
    """What there is to draw: primitives and where each of them is.

    Attributes:
        geoms: the primitives, G of them.
        pos_m: world positions, (G, 3).
        rot: world rotations, (G, 3, 3).
    """

    geoms: tuple[Geom, ...]
    pos_m: Array
    rot: Array


class Renderer(Protocol):
    """Draws pictures without shadows, multisampling or textures."""

    name: str

    def draw(self, picture: Picture, camera: Camera, height: int, width: int) -> Image:
        """RGB image, (height, width, 3)."""
        ...

    def close(self) -> None:
        """Free the renderer's memory."""
        ...
