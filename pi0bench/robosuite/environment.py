"""An environment of robosuite, built once and reset in place, seen from the robot's base."""

from __future__ import annotations

import atexit
import logging
from importlib import import_module
from typing import Any

import numpy as np

from pi0bench.envs.physics.mujoco_import import mujoco
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.render.opengl_context import Context
from pi0bench.envs.render.renderer_protocol import Camera, Image
from pi0bench.envs.world_protocol import EnvFault

CONTROL_HZ = 20
CAMERAS = {"front": "agentview", "wrist": "robot0_eye_in_hand"}
"""Ours, by robosuite's names."""

FOVY_DEG = {"front": 45.0, "wrist": 75.0}
_EYE_M, _TARGET_M = np.array([1.45, 0.05, 0.75]), np.array([0.55, 0.05, 0.0])
_MAX_SIDE, _MAX_GEOMS = 640, 1000


class Stage:
    """One environment of a task. Its in-place reset leads to the same states as a new one's.

    The front camera stands where `FRONT` is in every task; shadows, reflections and antialiasing
    are off, as on the tabletop.
    """

    def __init__(self, task: str) -> None:
        logging.disable(logging.WARNING)  # it warns of parts of itself that are not needed here
        try:
            robosuite: Any = import_module("robosuite")
            self.env: Any = robosuite.make(
                task,
                robots="Panda",
                has_renderer=False,
                has_offscreen_renderer=False,
                use_camera_obs=False,
                use_object_obs=False,
                control_freq=CONTROL_HZ,
                ignore_done=True,
                hard_reset=False,
                seed=0,  # of sizes, which are drawn when it is built
            )
        finally:
            logging.disable(logging.NOTSET)
        self.robot: Any = self.env.robots[0]
        self.model: Any = self.env.sim.model._model
        self.data: Any = self.env.sim.data._data
        self._tool = self.robot.eef_site_id["right"]
        self._fingers = self.robot._ref_gripper_joint_pos_indexes["right"]
        self._drawer: _Drawer | None = None

    def reset(self, rng: np.random.Generator) -> None:
        """Start from a state that the generator draws."""
        self.env.rng.bit_generator.state = rng.bit_generator.state
        self.env.reset()
        camera, placed = self.model.camera(CAMERAS["front"]).id, self.base() @ FRONT
        self.model.cam_pos[camera], self.model.cam_quat[camera] = placed.pos_m, placed.quat_wxyz()
        self.model.cam_fovy[camera] = FOVY_DEG["front"]
        mujoco.mj_forward(self.model, self.data)

    def step(self, action: Array) -> None:
        """Carry out one action, (7,), whose gripper is ours: -1 shut, 1 open.

        Raises:
            EnvFault: the simulation diverged.
        """
        self.env.step(np.append(action[:6], -action[6]))
        finite = np.isfinite(self.data.qpos).all() and np.isfinite(self.data.qvel).all()
        if not finite or self.data.warning.number.any():
            raise EnvFault(f"MuJoCo diverged at {self.data.time:.3f} s")

    def state(self) -> Array:
        """Where everything that moves is, (nq,)."""
        return self.data.qpos.copy()

    def show(self, state: Array) -> None:
        """Put everything where it was; nothing moves until the next reset.

        Only states of the start state that it was last reset to.
        """
        self.data.qpos[:] = state
        mujoco.mj_forward(self.model, self.data)

    def put_arm(self, state: Array) -> None:
        """Put the arm and the fingers alone where they were in a state."""
        own = [*self.robot._ref_joint_pos_indexes, *self._fingers]
        self.data.qpos[own] = state[own]
        mujoco.mj_forward(self.model, self.data)

    def base(self) -> Pose:
        """Where the robot stands, in robosuite's world."""
        body = self.model.body("robot0_base").id
        return Pose(self.data.xpos[body], self.data.xmat[body].reshape(3, 3))

    def _seen(self, pos_m: Array, rot: Array) -> Pose:
        return self.base().inverse() @ Pose(pos_m, rot.reshape(3, 3))

    def body(self, name: str) -> Pose:
        """A body in the frame of the base."""
        body = self.model.body(name).id
        return self._seen(self.data.xpos[body], self.data.xmat[body])

    def site(self, name: str) -> Pose:
        """A site in the frame of the base."""
        site = self.model.site(name).id
        return self._seen(self.data.site_xpos[site], self.data.site_xmat[site])

    def joint(self, name: str) -> float:
        """Where a joint stands, metres or radians."""
        return float(self.data.qpos[self.model.joint(name).qposadr[0]])

    def tool(self) -> Pose:
        """The point between the fingers in the frame of the base."""
        return self._seen(self.data.site_xpos[self._tool], self.data.site_xmat[self._tool])

    def width_m(self) -> float:
        """How far the fingers are apart."""
        return float(np.abs(self.data.qpos[self._fingers]).sum())

    def joints_rad(self) -> Array:
        """The arm's joints, (7,)."""
        return self.data.qpos[self.robot._ref_joint_pos_indexes].copy()

    def holds(self, thing: Any) -> bool:
        """True when both fingers touch a thing."""
        return bool(self.env._check_grasp(gripper=self.robot.gripper, object_geoms=thing))

    def camera(self, name: str) -> Camera:
        """A camera of ours in the frame of the base."""
        camera = self.model.camera(CAMERAS[name]).id
        pose = self._seen(self.data.cam_xpos[camera], self.data.cam_xmat[camera])
        return Camera(pose, FOVY_DEG[name])

    def draw(self, camera: str, side: int) -> Image:
        """A picture of ours, (side, side, 3).

        Raises:
            MachineError: this machine has no OpenGL.
        """
        if self._drawer is None:
            self._drawer = _Drawer(self.model)
        return self._drawer.draw(self.data, self.model.camera(CAMERAS[camera]).id, side)

    def close(self) -> None:
        """Free the environment and what draws it."""
        if self._drawer is not None:
            self._drawer.close()
            self._drawer = None
        self.env.close()


def _front() -> Pose:
    back = (_EYE_M - _TARGET_M) / np.linalg.norm(_EYE_M - _TARGET_M)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    return Pose(_EYE_M, np.stack([right, np.cross(back, right), back], axis=1))


FRONT = _front()
"""The front camera in the frame of the robot's base."""
WRIST = Pose(np.array([0.0, 0.05, -0.097]), np.diag([-1.0, 1.0, -1.0]))
"""The wrist camera in the frame of the tool."""


class _Drawer:
    """Draws one model through a context of OpenGL of its own."""

    def __init__(self, model: Any) -> None:
        self._model, self._gl = model, Context()
        self._gl.make_current()
        atexit.register(self.close)  # EGL complains when it is freed after the interpreter
        model.vis.quality.shadowsize = model.vis.quality.offsamples = 0
        model.vis.global_.offwidth = model.vis.global_.offheight = _MAX_SIDE
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = mujoco.MjvScene(model, maxgeom=_MAX_GEOMS)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
        self._scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
        self._option = mujoco.MjvOption()
        self._option.geomgroup[0] = 0  # shapes for collisions
        self._option.sitegroup[:] = 0
        self._eye = mujoco.MjvCamera()
        self._eye.type = mujoco.mjtCamera.mjCAMERA_FIXED

    def close(self) -> None:
        """Free the context, in the process that made it."""
        atexit.unregister(self.close)
        if not self._gl.here:
            return
        self._gl.make_current()
        self._context.free()
        self._gl.free()

    def draw(self, data: Any, camera: int, side: int) -> Image:
        """A square picture, (side, side, 3)."""
        self._gl.make_current()
        self._eye.fixedcamid = camera
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(
            self._model, data, self._option, None, self._eye, everything, self._scene
        )
        view, image = mujoco.MjrRect(0, 0, side, side), np.empty((side, side, 3), np.uint8)
        mujoco.mjr_render(view, self._scene, self._context)
        mujoco.mjr_readPixels(image, None, view, self._context)
        return image[::-1].copy()
