"""The world in MuJoCo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.panda_kinematics import FINGERS, panda
from pi0bench.envs.physics import mjcf
from pi0bench.envs.physics.mujoco_import import mujoco
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Scene
from pi0bench.envs.world_protocol import ArmState, PhysicsFault

_STATE = mujoco.mjtState.mjSTATE_INTEGRATION


class MujocoWorld:
    """See `pi0bench.envs.world_protocol.World`."""

    def __init__(self, scene: Scene) -> None:
        robot = panda()
        self.scene = scene
        self._model = mujoco.MjModel.from_xml_string(mjcf.write(scene, robot))
        self._data = mujoco.MjData(self._model)
        names = [link.name for link in robot.arm_links] + list(FINGERS)
        joints = [self._model.joint(name) for name in names]
        self._qpos = np.array([int(j.qposadr[0]) for j in joints])
        self._dofs = np.array([int(j.dofadr[0]) for j in joints])
        self._names = {self._model.body(i).name: i for i in range(self._model.nbody)}
        self._links = {name: {number} for name, number in self._names.items()}
        self._joints: dict[str, NDArray[np.intp]] = {}
        self._frames = {
            body.name: f"{body.name}.{body.frame_link}"
            for body in scene.bodies
            if body.frame_link != body.links[0].name
        }
        self._belts: list[tuple[int, float]] = []
        speeds: list[float] = []
        for body in scene.bodies:
            self._links[body.name] = {self._names[name] for name in mjcf.link_names(body)}
            own = [
                (self._model.joint(name).id, link.joint.drive)
                for link, name in zip(body.links, mjcf.link_names(body), strict=True)
                if link.joint
            ]
            self._joints[body.name] = np.array([number for number, _ in own], np.intp)
            self._data.qpos[self._model.jnt_qposadr[self._joints[body.name]]] = body.joints_at
            self._belts += [(number, body.speed_m_s) for number, drive in own if drive == "belt"]
            speeds += [body.speed_m_s for _, drive in own if drive == "carriage"]
        self._data.ctrl[9:] = speeds
        self._steps = 0
        mujoco.mj_forward(self._model, self._data)

    def step(self, n: int) -> None:
        """Advance n physics steps."""
        if self._belts:
            for _ in range(n):
                self._run_belts()
                mujoco.mj_step(self._model, self._data)
        else:
            mujoco.mj_step(self._model, self._data, nstep=n)
        self._steps += n
        finite = np.isfinite(self._data.qpos).all() and np.isfinite(self._data.qvel).all()
        if not finite or self._data.warning.number.any():
            raise PhysicsFault(f"MuJoCo diverged at {self._data.time:.3f} s")

    def _run_belts(self) -> None:
        """Let what lies on a belt feel its speed, though it stays where it is."""
        for number, speed_m_s in self._belts:
            self._data.qpos[self._model.jnt_qposadr[number]] = 0
            self._data.qvel[self._model.jnt_dofadr[number]] = speed_m_s

    def set_arm_target(self, q_rad: Array, width_m: float) -> None:
        """Set the targets of the servos and of the gripper."""
        self._data.ctrl[:7] = q_rad
        self._data.ctrl[7:9] = width_m / 2

    def arm(self) -> ArmState:
        """Read the measured arm."""
        q = self._data.qpos[self._qpos]
        return ArmState(q[:7], float(q[7:].sum()), 2 * float(self._data.ctrl[7]))

    def set_arm(self, q_rad: Array, width_m: float) -> None:
        """Put the arm there, at rest, with its targets."""
        self._data.qpos[self._qpos] = [*q_rad, width_m / 2, width_m / 2]
        self._data.qvel[self._dofs] = 0
        self.set_arm_target(q_rad, width_m)
        mujoco.mj_forward(self._model, self._data)

    def pose(self, name: str) -> Pose:
        """Read the world pose of a body or of a link of the robot."""
        return self._pose(self._frames.get(name, name))

    def root_pose(self, name: str) -> Pose:
        """Read the world pose of a body's root link."""
        return self._pose(name)

    def _pose(self, link: str) -> Pose:
        body = self._names[link]
        return Pose(self._data.xpos[body], self._data.xmat[body].reshape(3, 3))

    def set_pose(self, name: str, pose: Pose) -> None:
        """Put a body there, at rest."""
        body = self._names[name]
        if self.scene.body(name).free:
            start = int(self._model.body(name).jntadr[0])
            qpos, dof = self._model.jnt_qposadr[start], self._model.jnt_dofadr[start]
            self._data.qpos[qpos : qpos + 7] = [*pose.pos_m, *pose.quat_wxyz()]
            self._data.qvel[dof : dof + 6] = 0
        else:
            self._model.body_pos[body] = pose.pos_m
            self._model.body_quat[body] = pose.quat_wxyz()
        mujoco.mj_forward(self._model, self._data)

    def velocity(self, name: str) -> Array:
        """Read how fast a body's frame moves."""
        body, found = self._names[self._frames.get(name, name)], np.empty(6)
        kind = mujoco.mjtObj.mjOBJ_XBODY
        mujoco.mj_objectVelocity(self._model, self._data, kind, body, found, 0)
        return found[3:]

    def set_velocity(self, name: str, velocity_m_s: Array) -> None:
        """Let a free body move that fast."""
        dof = self._model.jnt_dofadr[int(self._model.body(name).jntadr[0])]
        self._data.qvel[dof : dof + 6] = [*velocity_m_s, 0, 0, 0]
        mujoco.mj_forward(self._model, self._data)

    def joints(self, name: str) -> Array:
        """Read where the joints of an object stand."""
        return self._data.qpos[self._model.jnt_qposadr[self._joints[name]]]

    def set_joints(self, name: str, values: Sequence[float]) -> None:
        """Put an object's joints there, at rest."""
        self._data.qpos[self._model.jnt_qposadr[self._joints[name]]] = values
        self._data.qvel[self._model.jnt_dofadr[self._joints[name]]] = 0
        mujoco.mj_forward(self._model, self._data)

    def set_rests(self, name: str, values: Sequence[float]) -> None:
        """Let the springs of an object's joints pull there."""
        self._model.qpos_spring[self._model.jnt_qposadr[self._joints[name]]] = values

    def contact(self, a: str, b: str) -> bool:
        """Tell whether the bodies or robot links touch."""
        one, other = self._links[a], self._links[b]
        owners = self._model.geom_bodyid[self._data.contact.geom].tolist()
        return any((i in one and j in other) or (j in one and i in other) for i, j in owners)

    def state(self) -> Any:
        """Take a snapshot."""
        size = mujoco.mj_stateSize(self._model, _STATE)
        state = np.empty(size)
        mujoco.mj_getState(self._model, self._data, state, _STATE)
        return state, self._model.qpos_spring.copy()

    def set_state(self, state: Any) -> None:
        """Return to a snapshot of this world."""
        physical, rests = state
        self._model.qpos_spring[:] = rests
        mujoco.mj_setState(self._model, self._data, physical, _STATE)
        mujoco.mj_forward(self._model, self._data)

    def close(self) -> None:
        """Free the engine's memory."""
