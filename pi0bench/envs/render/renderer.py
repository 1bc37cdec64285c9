"""What a renderer is, and which one a machine can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Geom
from pi0bench.errors import MachineError, UsageError, unknown

Image = NDArray[np.uint8]
NAMES = ("gl", "tiny")
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


def make(name: str) -> Renderer:
    """The renderer `gl` (OpenGL through MuJoCo) or `tiny` (PyBullet's, on the CPU alone).

    Raises:
        UsageError: no renderer has that name.
        MachineError: this machine has no OpenGL.
    """
    if name == "tiny":
        from pi0bench.envs.render.tiny import TinyRenderer

        return TinyRenderer()
    if name == "gl":
        from pi0bench.envs.render.gl import GlRenderer

        return GlRenderer()
    raise UsageError(unknown("renderer", name, (*NAMES, "auto")))


def choose(name: str, engine: str) -> tuple[str, str]:
    """Resolve `auto` for an engine, (renderer, one line that says why when it is a makeshift).

    `auto` takes each engine's own renderer: `gl` for mujoco where the machine has OpenGL, else
    `tiny`.
    """
    if name != "auto":
        make(name).close()
        return name, ""
    if engine == "pybullet":
        return "tiny", ""
    try:
        make("gl").close()
    except MachineError as error:
        return "tiny", f"{error} Drawing with tiny instead."
    return "gl", ""
