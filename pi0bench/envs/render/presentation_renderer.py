"""Pictures for people: the real Panda at its table, with shadows and antialiasing, by OpenGL."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from pi0bench.envs.cameras import Snapshot, picture
from pi0bench.envs.content_models import table
from pi0bench.envs.panda_kinematics import FINGERS, link_poses, panda
from pi0bench.envs.physics.mujoco_import import mujoco
from pi0bench.envs.pose import Pose, from_quat
from pi0bench.envs.render.offscreen_canvas import Canvas
from pi0bench.envs.render.one_per_thread import OnePerThread
from pi0bench.envs.render.panda_meshes import MESH_LINKS
from pi0bench.envs.render.presentation_stage import (
    CENTRE_M,
    FOR_FILM,
    FOR_PRINT,
    LAMP,
    Quality,
    stage,
)
from pi0bench.envs.render.renderer_protocol import Camera, Image, Light
from pi0bench.envs.scene import Scene

_MAX_GEOMS = 2000
_TURNED = Pose(rot=np.diag([-1.0, -1.0, 1.0]))
"""The right finger's mesh is the left one's, half a turn about the hand's axis."""


class PresentationRenderer:
    """See `presentation.Presentation`. All of a thread and a quality draw on one stage."""

    def __init__(self, quality: Quality) -> None:
        self._stage = _stages[quality]
        self._stage().canvas.gl.make_current()  # refused in a fork of the process that made it

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
        stage = self._stage()
        stage.canvas.gl.make_current()
        return stage.draw(scene, snapshot, camera, height, width, light or Light())

    def close(self) -> None:
        """Leave the stage to the thread's other renderers; it ends with the thread."""


class _Stage:
    """The room, compiled once; each picture adds the robot and the things to it."""

    def __init__(self, quality: Quality) -> None:
        self._model, self._meshes = stage(quality)
        self._data = mujoco.MjData(self._model)
        mujoco.mj_forward(self._model, self._data)
        self.canvas = Canvas(self._model, _MAX_GEOMS, plain=False)
        self._option, self._camera = mujoco.MjvOption(), mujoco.MjvCamera()
        self._robot = {geom for link in panda().body.links for geom in link.geoms}

    def draw(
        self,
        scene: Scene,
        snapshot: Snapshot,
        camera: Camera,
        height: int,
        width: int,
        light: Light,
    ) -> Image:
        """Draw an RGB image, (height, width, 3)."""
        shown, everything = self.canvas.scene, mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(
            self._model, self._data, self._option, None, self._camera, everything, shown
        )
        self._add_robot(snapshot)
        self._add_things(scene, snapshot)
        self._shine(light)
        self.canvas.aim(camera, width / height)
        return self.canvas.draw(height, width)

    def _add_robot(self, snapshot: Snapshot) -> None:
        poses = link_poses(snapshot.q_rad, snapshot.width_m)
        placed = [(link, poses[link]) for link in MESH_LINKS if link in poses]
        left, right = (poses[name] for name in FINGERS)
        for link, pose in [*placed, ("finger", left), ("finger", right @ _TURNED)]:
            for mesh, rgb in self._meshes[link]:
                # MuJoCo has put each mesh's origin into its centre.
                centre = from_quat(self._model.mesh_pos[mesh], self._model.mesh_quat[mesh])
                own = pose @ centre
                _gloss(self.canvas.add_mesh(mesh, own.pos_m, own.rot, (*rgb, 1.0)), 0.4)

    def _add_things(self, scene: Scene, snapshot: Snapshot) -> None:
        seen = picture(scene, snapshot)
        built = {geom.size_m for link in table().links for geom in link.geoms}
        room = {
            geom  # what the stage has; a texture's tiles lie on it
            for link in scene.body("table").links
            for geom in link.geoms
            if geom.size_m in built
        }
        for geom, pos_m, rot in zip(seen.geoms, seen.pos_m, seen.rot, strict=True):
            if geom not in self._robot and geom not in room:
                _gloss(self.canvas.add(geom, pos_m, rot), 0.2)

    def _shine(self, light: Light) -> None:
        factors = light.brightness * np.array(light.rgb)
        for lamp in self.canvas.scene.lights[: self.canvas.scene.nlight]:
            lamp.ambient, lamp.diffuse = lamp.ambient * factors, lamp.diffuse * factors
            if not lamp.headlight:
                lamp.pos = CENTRE_M + light.turn @ (np.array(LAMP.pos_m) - CENTRE_M)
                lamp.dir = light.turn @ np.array(LAMP.direction)

    def __del__(self) -> None:
        if hasattr(self, "canvas"):
            self.canvas.free()


def _gloss(added: Any, specular: float) -> None:
    added.specular, added.shininess = specular, 0.4
    added.category = mujoco.mjtCatBit.mjCAT_DYNAMIC


_stages = {quality: OnePerThread(partial(_Stage, quality)) for quality in (FOR_FILM, FOR_PRINT)}
