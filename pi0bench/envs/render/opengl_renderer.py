"""OpenGL through MuJoCo's renderer."""

from __future__ import annotations

import atexit
import threading

import numpy as np

from pi0bench.envs.physics.mujoco_import import mujoco
from pi0bench.envs.render.offscreen_canvas import Canvas
from pi0bench.envs.render.opengl_context import MAX_SIDE
from pi0bench.envs.render.renderer_protocol import FAR_M, NEAR_M, Camera, Image, Light, Picture

_MAX_GEOMS = 1000
_STAGE = """
<mujoco>
  <visual>
    <quality numslices="16" numstacks="8"/>
    <headlight ambient="0.55 0.55 0.55" diffuse="0.3 0.3 0.3" specular="0 0 0"/>
    <rgba haze="0 0 0 1"/>
  </visual>
  <worldbody>
    <light directional="true" castshadow="false" dir="-0.3 0.25 -0.9" diffuse="0.45 0.45 0.45"/>
  </worldbody>
</mujoco>
"""
_TYPES = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
}


class GlRenderer:
    """See `pi0bench.envs.render.renderer_protocol.Renderer`. All of a thread draw on one stage."""

    name = "gl"

    def __init__(self) -> None:
        _stage()

    def draw(self, picture: Picture, camera: Camera, height: int, width: int) -> Image:
        """Draw an RGB image, (height, width, 3)."""
        if max(height, width) > MAX_SIDE:
            raise ValueError(f"pictures are at most {MAX_SIDE} pixels a side")
        return _stage().draw(picture, camera, height, width)

    def driver(self) -> str:
        """OpenGL's renderer, with its LLVM where it is Mesa's on the CPU, and OpenGL's version."""
        return _stage().driver()

    def close(self) -> None:
        """Leave the stage to the thread's other renderers; it ends with the thread."""


_stages = threading.local()  # a context can be current in one thread only


def _stage() -> _Stage:
    """The stage of this thread, its context current; it does not grow with the renderers."""
    if not hasattr(_stages, "mine"):
        _stages.mine = _Stage()
        atexit.unregister(_end)
        atexit.register(_end)  # the last to be registered, so before EGL's own end
    _stages.mine.canvas.gl.make_current()
    return _stages.mine


def _end() -> None:
    vars(_stages).clear()


class _Stage:
    """MuJoCo's renderer with an empty scene, which each picture fills anew."""

    def __init__(self) -> None:
        self._model = mujoco.MjModel.from_xml_string(_STAGE)
        self.canvas = Canvas(self._model, _MAX_GEOMS)
        self._scene = self.canvas.scene
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SKYBOX] = 0
        mujoco.mjv_updateScene(
            self._model,
            mujoco.MjData(self._model),
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
        self._place(picture)
        self._shine(picture.light)
        self._aim(camera, width / height)
        return self.canvas.draw(height, width)

    def _place(self, picture: Picture) -> None:
        self._scene.ngeom = len(picture.geoms)
        turned = picture.rot.reshape(-1, 9)
        for i, geom in enumerate(picture.geoms):
            size = np.zeros(3)
            size[: len(geom.size_m)] = geom.size_m
            mujoco.mjv_initGeom(
                self._scene.geoms[i],
                _TYPES[geom.shape],
                size,
                picture.pos_m[i],
                turned[i],
                np.array(geom.rgba, np.float32),
            )

    def _shine(self, light: Light) -> None:
        factors = light.brightness * np.array(light.rgb)
        for lamp, direction, ambient, diffuse in self._lamps:
            lamp.dir = light.turn @ direction
            lamp.ambient, lamp.diffuse = ambient * factors, diffuse * factors

    def _aim(self, camera: Camera, aspect: float) -> None:
        top = NEAR_M * np.tan(np.radians(camera.fovy_deg) / 2)
        for eye in self._scene.camera:
            eye.pos = camera.pose.pos_m
            eye.forward = -camera.pose.rot[:, 2]
            eye.up = camera.pose.rot[:, 1]
            eye.frustum_near, eye.frustum_far = NEAR_M, FAR_M
            eye.frustum_top, eye.frustum_bottom = top, -top
            eye.frustum_center, eye.frustum_width = 0.0, top * aspect

    def __del__(self) -> None:
        if hasattr(self, "canvas"):
            self.canvas.free()
