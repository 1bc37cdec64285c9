"""OpenGL through MuJoCo's renderer."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.physics.mujoco_import import mujoco
from pi0bench.envs.render.offscreen_canvas import Canvas
from pi0bench.envs.render.one_per_thread import OnePerThread
from pi0bench.envs.render.opengl_context import MAX_SIDE
from pi0bench.envs.render.renderer_protocol import Camera, Image, Light, Picture

_MAX_GEOMS = 1000
_STAGE = """
<mujoco>
  <visual>
    <quality numslices="16" numstacks="8"/>
    <headlight ambient="0.55 0.55 0.55" diffuse="0 0 0" specular="0 0 0"/>
  </visual>
  <asset>
    <texture type="skybox" builtin="flat" rgb1="1 1 1" rgb2="1 1 1" width="4" height="24"/>
  </asset>
  <worldbody>
    <light type="directional" castshadow="false" dir="-0.3 0.25 -0.9" diffuse="0.45 0.45 0.45"
           specular="0 0 0"/>
  </worldbody>
</mujoco>
"""


class GlRenderer:
    """See `pi0bench.envs.render.renderer_protocol.Renderer`. All of a thread draw on one stage."""

    name = "gl"

    def __init__(self) -> None:
        _current()

    def draw(self, picture: Picture, camera: Camera, height: int, width: int) -> Image:
        """Draw an RGB image, (height, width, 3)."""
        if max(height, width) > MAX_SIDE:
            raise ValueError(f"pictures are at most {MAX_SIDE} pixels a side")
        return _current().draw(picture, camera, height, width)

    def driver(self) -> str:
        """OpenGL's renderer, with its LLVM where it is Mesa's on the CPU, and OpenGL's version."""
        return _current().driver()

    def close(self) -> None:
        """Leave the stage to the thread's other renderers; it ends with the thread."""


class _Stage:
    """MuJoCo's renderer with an empty scene, which each picture fills anew."""

    def __init__(self) -> None:
        self._model = mujoco.MjModel.from_xml_string(_STAGE)
        data = mujoco.MjData(self._model)
        mujoco.mj_forward(self._model, data)  # before it a lamp has no direction
        self.canvas = Canvas(self._model, _MAX_GEOMS)
        self._scene = self.canvas.scene
        mujoco.mjv_updateScene(
            self._model,
            data,
            mujoco.MjvOption(),
            None,
            mujoco.MjvCamera(),
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        lamps = self._scene.lights[: self._scene.nlight]
        self._lamps = [
            (lamp, *(np.array(part, float) for part in (lamp.dir, lamp.ambient, lamp.diffuse)))
            for lamp in lamps
        ]

    def driver(self) -> str:
        """See `GlRenderer.driver`."""
        from OpenGL import GL  # late: it serves the platform that `context` has found

        told = (GL.glGetString(GL.GL_RENDERER), GL.glGetString(GL.GL_VERSION))
        return ", ".join(text.decode() for text in told if isinstance(text, bytes))

    def draw(self, picture: Picture, camera: Camera, height: int, width: int) -> Image:
        """Draw an RGB image, (height, width, 3)."""
        self._scene.ngeom = 0
        for geom, pos_m, rot in zip(picture.geoms, picture.pos_m, picture.rot, strict=True):
            self.canvas.add(geom, pos_m, rot)
        self._shine(picture.light)
        self.canvas.aim(camera, width / height)
        return self.canvas.draw(height, width)

    def _shine(self, light: Light) -> None:
        factors = light.brightness * np.array(light.rgb)
        for lamp, direction, ambient, diffuse in self._lamps:
            lamp.dir = light.turn @ direction
            lamp.ambient, lamp.diffuse = ambient * factors, diffuse * factors

    def __del__(self) -> None:
        if hasattr(self, "canvas"):
            self.canvas.free()


_stage = OnePerThread(_Stage)


def _current() -> _Stage:
    """The stage of this thread, its context current; refused in a fork of the one that made it."""
    stage = _stage()
    stage.canvas.gl.make_current()
    return stage
