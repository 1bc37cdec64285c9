"""The world in PyBullet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pi0bench.envs.panda_kinematics import FINGERS, panda
from pi0bench.envs.physics.pybullet_bodies import OBJECT, ROBOT, load, pose_of
from pi0bench.envs.physics.pybullet_client import Client, pybullet
from pi0bench.envs.physics.pybullet_joints import ObjectJoints
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Scene
from pi0bench.envs.world_protocol import PHYSICS_HZ, ArmState, PhysicsFault

_APART_M, _FORCE_N = 8, 9  # where Bullet tells these of a point of contact


class PybulletWorld:
    """See `pi0bench.envs.world_protocol.World`."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._client = client = Client()
        client.setGravity(0, 0, -9.81)
        client.setPhysicsEngineParameter(
            fixedTimeStep=1 / PHYSICS_HZ,
            # Stiff contacts: with Bullet's own numbers a pressing finger sinks in by millimetres.
            erp=0.5,
            contactERP=0.5,
            numSolverIterations=100,
            deterministicOverlappingPairs=1,
        )
        self._bodies = {b.name: load(client, b, OBJECT, scene.friction) for b in scene.bodies}
        robot, arm = panda(), load(client, scene.robot, ROBOT, scene.friction)
        self._arm, self._links = arm.index, arm.links
        self._hinges = [self._links[link.name] for link in robot.arm_links]
        self._fingers = [self._links[name] for name in FINGERS]
        torques = [link.joint.max_force for link in robot.arm_links if link.joint]
        servo = robot.servo["pybullet"]
        self._servos = {
            "controlMode": pybullet.POSITION_CONTROL,
            "positionGains": [servo["gain"]] * 7 + [servo["finger_gain"]] * 2,
            "velocityGains": [1.0] * 9,
            "forces": [*torques, 30.0, 30.0],
        }
        self._wanted_width_m = 0.0
        self._couple_fingers()
        for body in scene.bodies:
            self.set_pose(body.name, body.pose)
            self.set_joints(body.name, body.joints_at)
        self._joints = ObjectJoints(client, self._bodies.values())
        client.performCollisionDetection()

    def _couple_fingers(self) -> None:
        left, right = self._fingers
        gear = self._client.createConstraint(
            self._arm, left, self._arm, right, pybullet.JOINT_GEAR, [1, 0, 0], [0, 0, 0], [0, 0, 0]
        )
        self._client.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=50)

    def step(self, n: int) -> None:
        """Advance n physics steps."""
        self._joints.step(n)
        self._must_be_finite()

    def _must_be_finite(self) -> None:
        """Look at every pose and joint: Bullet itself never says that it diverged."""
        found = {self.scene.robot.name: self._at(self._arm, self._hinges + self._fingers)}
        for name, item in self._bodies.items():
            pos_m, quat = self._client.getBasePositionAndOrientation(item.index)
            joints = self._at(item.index, [number for number, _ in item.joints])
            found[name] = [*pos_m, *quat, *joints]
        wrong = [name for name, numbers in found.items() if not math.isfinite(sum(numbers))]
        if wrong:
            raise PhysicsFault(f"PyBullet diverged: {', '.join(wrong)}")

    def _at(self, index: int, joints: list[int]) -> list[float]:
        """Where a body's joints of these numbers stand."""
        return [at for at, *_ in self._client.getJointStates(index, joints)] if joints else []

    def set_arm_target(self, q_rad: Array, width_m: float) -> None:
        """Set the targets of the servos and of the gripper."""
        self._wanted_width_m = width_m
        self._client.setJointMotorControlArray(
            self._arm,
            self._hinges + self._fingers,
            targetPositions=[*q_rad, width_m / 2, width_m / 2],
            **self._servos,
        )

    def arm(self) -> ArmState:
        """Read the measured arm."""
        *q_rad, left_m, right_m = self._at(self._arm, self._hinges + self._fingers)
        return ArmState(np.array(q_rad), left_m + right_m, self._wanted_width_m)

    def set_arm(self, q_rad: Array, width_m: float) -> None:
        """Put the arm there, at rest, with its targets."""
        for joint, value in zip(self._hinges, q_rad, strict=True):
            self._client.resetJointState(self._arm, joint, value)
        for joint in self._fingers:
            self._client.resetJointState(self._arm, joint, width_m / 2)
        self.set_arm_target(q_rad, width_m)
        self._client.performCollisionDetection()

    def pose(self, name: str) -> Pose:
        """Read the world pose of a body or of a link of the robot."""
        if name == self.scene.robot.links[0].name:
            return self.scene.robot.pose @ self.scene.robot.links[0].pose
        if name in self._links:
            return self._link_pose(self._arm, self._links[name])
        item = self._bodies[name]
        return (
            self.root_pose(name) if item.frame is None else self._link_pose(item.index, item.frame)
        )

    def _link_pose(self, index: int, link: int) -> Pose:
        state = self._client.getLinkState(index, link)
        return pose_of(state[4], state[5])

    def root_pose(self, name: str) -> Pose:
        """Read the world pose of a body's root link."""
        item = self._bodies[name]
        centre = pose_of(*self._client.getBasePositionAndOrientation(item.index))
        return centre @ item.centre.inverse()

    def set_pose(self, name: str, pose: Pose) -> None:
        """Put a body there, at rest."""
        item = self._bodies[name]
        centre = pose @ item.centre
        w, *xyz = centre.quat_wxyz()
        self._client.resetBasePositionAndOrientation(item.index, centre.pos_m, [*xyz, w])
        self._client.resetBaseVelocity(item.index, [0, 0, 0], [0, 0, 0])

    def velocity(self, name: str) -> Array:
        """Read how fast a body's frame moves."""
        item = self._bodies[name]
        if item.frame is not None:
            state = self._client.getLinkState(item.index, item.frame, computeLinkVelocity=1)
            return np.array(state[6])
        linear, angular = map(np.array, self._client.getBaseVelocity(item.index))
        centre_m, _ = self._client.getBasePositionAndOrientation(item.index)
        return linear + np.cross(angular, self.root_pose(name).pos_m - centre_m)

    def set_velocity(self, name: str, velocity_m_s: Array) -> None:
        """Let a free body move that fast."""
        self._client.resetBaseVelocity(self._bodies[name].index, list(velocity_m_s), [0, 0, 0])

    def joints(self, name: str) -> Array:
        """Read where the joints of an object stand."""
        item = self._bodies[name]
        return np.array(self._at(item.index, [number for number, _ in item.joints]))

    def set_joints(self, name: str, values: Sequence[float]) -> None:
        """Put an object's joints there, at rest."""
        item = self._bodies[name]
        for (number, _), value in zip(item.joints, values, strict=True):
            self._client.resetJointState(item.index, number, value)

    def set_rests(self, name: str, values: Sequence[float]) -> None:
        """Let the springs of an object's joints pull there."""
        self._joints.rests[name] = tuple(values)

    def contact(self, a: str, b: str) -> bool:
        """Tell whether the bodies or robot links touch: overlap, or press on each other.

        What presses may be a hair's breadth apart in Bullet, which lets it act before they meet.
        """
        points = self._client.getContactPoints(**self._part(a, "A"), **self._part(b, "B"))
        return any(point[_APART_M] <= 0 or point[_FORCE_N] > 0 for point in points)

    def _part(self, name: str, which: str) -> dict[str, int]:
        """Which side of a contact is this body, or this link of the robot."""
        if name in self._links:
            return {f"body{which}": self._arm, f"linkIndex{which}": self._links[name]}
        return {f"body{which}": self._bodies[name].index}

    def state(self) -> Any:
        """Take a snapshot."""
        return self._client.saveState(), dict(self._joints.rests), self._wanted_width_m

    def set_state(self, state: Any) -> None:
        """Return to a snapshot of this world."""
        number, rests, self._wanted_width_m = state
        self._joints.rests = dict(rests)
        self._client.restoreState(number)

    def close(self) -> None:
        """Free the engine's memory."""
        self._client.disconnect()
