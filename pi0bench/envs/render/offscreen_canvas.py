"""A scene of MuJoCo's and the OpenGL that draws it, off any screen."""

from __future__ import annotations

from typing import Any

import numpy as np

from pi0bench.envs.physics.mujoco_import import mujoco
from pi0bench.envs.pose import Array
from pi0bench.envs.render.opengl_context import MAX_SIDE, Context
from pi0bench.envs.render.renderer_protocol import FAR_M, NEAR_M, Camera, Image
from pi0bench.envs.scene import Geom
from pi0bench.errors import MachineError

_TYPES = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
}


class Canvas:
    """Draws one model in a context of its own.

    Args:
        model: MuJoCo's.
        max_geoms: that the scene can hold.
        plain: without shadows, reflections and antialiasing; else as the model says.

    Attributes:
        scene: what is drawn, MuJoCo's.

    Raises:
        MachineError: this machine has no OpenGL.
    """

    def __init__(self, model: Any, max_geoms: int, plain: bool = True) -> None:
        self.gl = Context()
        self.gl.make_current()
        if plain:
            model.vis.quality.shadowsize = model.vis.quality.offsamples = 0
            model.vis.global_.offwidth = model.vis.global_.offheight = MAX_SIDE
        self.scene = mujoco.MjvScene(model, maxgeom=max_geoms)
        self.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = not plain
        self.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        try:
            self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        except mujoco.FatalError as error:
            self.gl.free()
            raise MachineError(f"This machine has no OpenGL (MuJoCo: {error}).") from None
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)

    def add(self, geom: Geom, pos_m: Array, rot: Array) -> Any:
        """Put a primitive into the scene; MuJoCo's own is returned.

        Args:
            geom: the primitive.
            pos_m: its world position, (3,).
            rot: its world rotation, (3, 3).
        """
        size = np.zeros(3)
        size[: len(geom.size_m)] = geom.size_m
        return self._added(_TYPES[geom.shape], size, pos_m, rot, geom.rgba)

    def add_mesh(self, mesh: int, pos_m: Array, rot: Array, rgba: tuple[float, ...]) -> Any:
        """Put one of the model's meshes into the scene, as `add` does."""
        added = self._added(mujoco.mjtGeom.mjGEOM_MESH, np.zeros(3), pos_m, rot, rgba)
        added.dataid = 2 * mesh  # the odd ones are convex hulls
        return added

    def _added(
        self, shape: Any, size: Array, pos_m: Array, rot: Array, rgba: tuple[float, ...]
    ) -> Any:
        added = self.scene.geoms[self.scene.ngeom]
        self.scene.ngeom += 1
        mujoco.mjv_initGeom(added, shape, size, pos_m, rot.ravel(), np.array(rgba, np.float32))
        return added

    def aim(self, camera: Camera, aspect: float) -> None:
        """Look through a camera at a view so many times as wide as it is high."""
        top = NEAR_M * np.tan(np.radians(camera.fovy_deg) / 2)
        for eye in self.scene.camera:
            eye.pos = camera.pose.pos_m
            eye.forward = -camera.pose.rot[:, 2]
            eye.up = camera.pose.rot[:, 1]
            eye.frustum_near, eye.frustum_far = NEAR_M, FAR_M
            eye.frustum_top, eye.frustum_bottom = top, -top
            eye.frustum_center, eye.frustum_width = 0.0, top * aspect

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
