"""An environment of robosuite, built once and reset in place, seen from the robot's base."""

from __future__ import annotations

import atexit
import logging
from importlib import import_module
from typing import Any

import numpy as np

from pi0bench.envs.physics.mujoco_import import mujoco
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.render.offscreen_canvas import Canvas
from pi0bench.envs.render.renderer_protocol import Camera, Image
from pi0bench.envs.world_protocol import EnvFault
from pi0bench.robosuite.cameras import control_hz, mounted

_MAX_GEOMS = 1000


class Stage:
    """One environment of a task. Its in-place reset leads to the same states as a new one's.

    The front camera stands where `mounted` says; shadows, reflections and antialiasing
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
                control_freq=control_hz(),
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
        front = mounted()["front"]
        camera, placed = self.model.camera(front.name).id, self.base() @ front.pose
        self.model.cam_pos[camera], self.model.cam_quat[camera] = placed.pos_m, placed.quat_wxyz()
        self.model.cam_fovy[camera] = front.fovy_deg
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
        own = mounted()[name]
        camera = self.model.camera(own.name).id
        pose = self._seen(self.data.cam_xpos[camera], self.data.cam_xmat[camera])
        return Camera(pose, own.fovy_deg)

    def draw(self, camera: str, height: int, width: int) -> Image:
        """A picture by one of our cameras, (height, width, 3).

        Raises:
            MachineError: this machine has no OpenGL.
        """
        if self._drawer is None:
            self._drawer = _Drawer(self.model)
        number = self.model.camera(mounted()[camera].name).id
        return self._drawer.draw(self.data, number, height, width)

    def close(self) -> None:
        """Free the environment and what draws it."""
        if self._drawer is not None:
            self._drawer.close()
            self._drawer = None
        self.env.close()


class _Drawer:
    """Draws one model through a canvas of its own."""

    def __init__(self, model: Any) -> None:
        self._model, self._canvas = model, Canvas(model, _MAX_GEOMS)
        atexit.register(self.close)  # EGL complains when it is freed after the interpreter
        self._option = mujoco.MjvOption()
        self._option.geomgroup[0] = 0  # shapes for collisions
        self._option.sitegroup[:] = 0
        self._eye = mujoco.MjvCamera()
        self._eye.type = mujoco.mjtCamera.mjCAMERA_FIXED

    def close(self) -> None:
        """Free the canvas."""
        atexit.unregister(self.close)
        self._canvas.free()

    def draw(self, data: Any, camera: int, height: int, width: int) -> Image:
        """A picture, (height, width, 3)."""
        self._canvas.gl.make_current()
        self._eye.fixedcamid = camera
        everything, scene = mujoco.mjtCatBit.mjCAT_ALL, self._canvas.scene
        mujoco.mjv_updateScene(self._model, data, self._option, None, self._eye, everything, scene)
        return self._canvas.draw(height, width)
