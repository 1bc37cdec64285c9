"""The world in MuJoCo."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.panda_kinematics import FINGERS, panda
from pi0bench.envs.physics import mjcf
from pi0bench.envs.physics.mujoco_import import mujoco
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Drive, Scene
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
        self._qpos, self._dofs = self._addresses(names)
        self._joints = {b.name: self._addresses(mjcf.joint_names(b)) for b in scene.bodies}
        self._names = {self._model.body(i).name: i for i in range(self._model.nbody)}
        self._links = {name: {number} for name, number in self._names.items()}
        for body in scene.bodies:
            self._links[body.name] = {self._names[name] for name in mjcf.link_names(body)}
            self._data.qpos[self._joints[body.name][0]] = body.joints_at
        self._frames = {b.name: mjcf.link_name(b, b.frame_link) for b in scene.bodies}
        belts = self._driven("belt")
        self._belts = self._addresses(list(belts)), list(belts.values())
        self._data.ctrl[9:] = list(self._driven("carriage").values())
        self._motion = self._data.qpos, self._data.qvel
        self._warnings = self._data.warning.number
        self._poses: dict[str, Pose] = {}
        self._touching: Sequence[tuple[int, int]] = ()
        self._forward()

    def _forward(self) -> None:
        """Let everything follow from a state that was set."""
        mujoco.mj_forward(self._model, self._data)
        self._forget()

    def _forget(self) -> None:
        """Poses and contacts are to be read anew."""
        self._poses.clear()
        self._touching = ()

    def _addresses(self, joints: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where the positions and the velocities of joints stand in MuJoCo's state."""
        found = [self._model.joint(name) for name in joints]
        qpos, dofs = [j.qposadr[0] for j in found], [j.dofadr[0] for j in found]
        return np.array(qpos, np.intp), np.array(dofs, np.intp)

    def _driven(self, drive: Drive) -> dict[str, float]:
        """The speed of each joint that is driven so, by its name, in order."""
        return {
            name: body.speed_m_s
            for body in self.scene.bodies
            for name, joint in zip(mjcf.joint_names(body), body.joints, strict=True)
            if joint.drive == drive
        }

    def step(self, n: int) -> None:
        """Advance n physics steps."""
        (at, dofs), speeds = self._belts
        if speeds:
            for _ in range(n):
                # What lies on a belt feels its speed, though it stays where it is.
                self._data.qpos[at], self._data.qvel[dofs] = 0, speeds
                mujoco.mj_step(self._model, self._data)
        else:
            mujoco.mj_step(self._model, self._data, nstep=n)
        self._forget()
        # Squares add up to what is not finite where one of them is not.
        finite = all(math.isfinite(part.dot(part)) for part in self._motion)
        if not finite or any(self._warnings.tolist()):
            raise PhysicsFault(f"MuJoCo diverged at {self._data.time:.3f} s")

    def set_arm_target(self, q_rad: Array, width_m: float) -> None:
        """Set the targets of the servos and of the gripper."""
        self._data.ctrl[:7] = q_rad
        self._data.ctrl[7:9] = width_m / 2

    def arm(self) -> ArmState:
        """Read the measured arm."""
        q = self._data.qpos[self._qpos]
        return ArmState(q[:7], float(q[7] + q[8]), 2 * float(self._data.ctrl[7]))

    def set_arm(self, q_rad: Array, width_m: float) -> None:
        """Put the arm there, at rest, with its targets."""
        self._data.qpos[self._qpos] = [*q_rad, width_m / 2, width_m / 2]
        self._data.qvel[self._dofs] = 0
        self.set_arm_target(q_rad, width_m)
        self._forward()

    def pose(self, name: str) -> Pose:
        """Read the world pose of a body or of a link of the robot."""
        return self._pose(self._frames.get(name, name))

    def root_pose(self, name: str) -> Pose:
        """Read the world pose of a body's root link."""
        return self._pose(name)

    def _pose(self, link: str) -> Pose:
        if link not in self._poses:
            body = self._names[link]
            rot = self._data.xmat[body].reshape(3, 3)
            self._poses[link] = Pose(self._data.xpos[body], rot)
        return self._poses[link]

    def set_pose(self, name: str, pose: Pose) -> None:
        """Put a body there, at rest."""
        body = self._names[name]
        if self.scene.body(name).free:
            joint = self._data.joint(name)
            joint.qpos[:], joint.qvel[:] = [*pose.pos_m, *pose.quat_wxyz()], 0
        else:
            self._model.body_pos[body] = pose.pos_m
            self._model.body_quat[body] = pose.quat_wxyz()
        self._forward()

    def velocity(self, name: str) -> Array:
        """Read how fast a body's frame moves."""
        body, found = self._names[self._frames.get(name, name)], np.empty(6)
        kind = mujoco.mjtObj.mjOBJ_XBODY
        mujoco.mj_objectVelocity(self._model, self._data, kind, body, found, 0)
        return found[3:]

    def set_velocity(self, name: str, velocity_m_s: Array) -> None:
        """Let a free body move that fast."""
        self._data.joint(name).qvel[:] = [*velocity_m_s, 0, 0, 0]
        self._forward()

    def joints(self, name: str) -> Array:
        """Read where the joints of an object stand."""
        return self._data.qpos[self._joints[name][0]]

    def set_joints(self, name: str, values: Sequence[float]) -> None:
        """Put an object's joints there, at rest."""
        at, dofs = self._joints[name]
        self._data.qpos[at], self._data.qvel[dofs] = values, 0
        self._forward()

    def set_rests(self, name: str, values: Sequence[float]) -> None:
        """Let the springs of an object's joints pull there."""
        self._model.qpos_spring[self._joints[name][0]] = values

    def contact(self, a: str, b: str) -> bool:
        """Tell whether the bodies or robot links touch."""
        one, other = self._links[a], self._links[b]
        if not self._touching:
            self._touching = self._model.geom_bodyid[self._data.contact.geom].tolist()
        pairs = self._touching
        return any((i in one and j in other) or (j in one and i in other) for i, j in pairs)

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
        self._forward()

    def close(self) -> None:
        """Free the engine's memory."""
