"""A scene of MuJoCo's and the OpenGL that draws it, off any screen."""

from __future__ import annotations

from typing import Any

import numpy as np

from pi0bench.envs.physics.mujoco_import import mujoco
from pi0bench.envs.render.opengl_context import MAX_SIDE, Context
from pi0bench.envs.render.renderer_protocol import Image
from pi0bench.errors import MachineError


class Canvas:
    """Draws one model without shadows, reflections and antialiasing, in a context of its own.

    Raises:
        MachineError: this machine has no OpenGL.
    """

    def __init__(self, model: Any, max_geoms: int) -> None:
        self.gl = Context()
        self.gl.make_current()
        model.vis.quality.shadowsize = model.vis.quality.offsamples = 0
        model.vis.global_.offwidth = model.vis.global_.offheight = MAX_SIDE
        self.scene = mujoco.MjvScene(model, maxgeom=max_geoms)
        self.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        self.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        try:
            self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        except mujoco.FatalError as error:
            self.gl.free()
            raise MachineError(f"This machine has no OpenGL (MuJoCo: {error}).") from None
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)

    def draw(self, height: int, width: int) -> Image:
        """The scene as it is, an RGB image, (height, width, 3)."""
        view, image = mujoco.MjrRect(0, 0, width, height), np.empty((height, width, 3), np.uint8)
        mujoco.mjr_render(view, self.scene, self._context)
        mujoco.mjr_readPixels(image, None, view, self._context)
        return image[::-1].copy()

    def free(self) -> None:
        """Free the context, in the process that made it; what a fork has copied is forgotten."""
        if self.gl.here:
            self.gl.make_current()
            self._context.free()
        self.gl.free()
