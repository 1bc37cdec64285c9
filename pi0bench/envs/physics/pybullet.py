"""The world in PyBullet."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from pi0bench.envs.panda_kinematics import FINGERS, panda
from pi0bench.envs.physics import urdf
from pi0bench.envs.physics.pybullet_client import Client, pybullet
from pi0bench.envs.pose import Array, Pose, from_quat
from pi0bench.envs.scene import Body, Joint, Scene
from pi0bench.envs.world_protocol import PHYSICS_HZ, ArmState, PhysicsFault

_CARRIAGE_N = 1000.0
_BASE = -1  # PyBullet's number of a body's root link
_ROBOT, _OBJECT = 1, 2  # collision groups: the robot's own links never touch each other


class PybulletWorld:
    """See `pi0bench.envs.world_protocol.World`."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._robot = panda()
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
        self._bodies = {body.name: self._load(body, _OBJECT) for body in scene.bodies}
        self._arm = self._load(scene.robot, _ROBOT)
        self._inertial = {name: self._inertial_frame(i) for name, i in self._bodies.items()}
        joints = [client.getJointInfo(self._arm, j) for j in range(client.getNumJoints(self._arm))]
        self._links = {info[12].decode(): info[0] for info in joints}
        self._links[scene.robot.links[0].name] = _BASE
        self._hinges = [self._links[link.name] for link in self._robot.arm_links]
        self._fingers = [self._links[name] for name in FINGERS]
        self._torques = [link.joint.max_force for link in self._robot.arm_links if link.joint]
        self._set_dynamics()
        self._couple_fingers()
        self._frames: dict[str, int] = {}
        self._joints: dict[str, list[tuple[int, Joint]]] = {}
        self._rests: dict[str, tuple[float, ...]] = {}
        self._wanted_width_m = 0.0
        for body in scene.bodies:
            self.set_pose(body.name, body.pose)
            self._free_joints(body)
        client.performCollisionDetection()

    def _load(self, body: Body, group: int) -> int:
        # PyBullet reads URDF from files only. Each is of its own: what threads share, and what
        # forked processes inherit, would be overwritten by others' bodies.
        with tempfile.NamedTemporaryFile("w", suffix=".urdf", encoding="utf-8") as file:
            file.write(urdf.write(body))
            file.flush()
            index = self._client.loadURDF(
                file.name,
                useFixedBase=not body.free,
                # Else a cylinder is a hull with a hidden margin of 1 mm.
                flags=pybullet.URDF_USE_INERTIA_FROM_FILE | pybullet.URDF_USE_IMPLICIT_CYLINDER,
            )
        mask = _OBJECT if group == _ROBOT else _ROBOT | _OBJECT
        for link in range(_BASE, self._client.getNumJoints(index)):
            self._client.setCollisionFilterGroupMask(index, link, group, mask)
        return index

    def _inertial_frame(self, index: int) -> Pose:
        info = self._client.getDynamicsInfo(index, _BASE)
        return from_quat(info[3], _wxyz(info[4]))

    def _set_dynamics(self) -> None:
        bodies = [*self.scene.bodies, self.scene.robot]
        # Bullet multiplies the frictions of two things that touch.
        factor = self.scene.friction**0.5
        for body, index in zip(bodies, [*self._bodies.values(), self._arm], strict=True):
            links = {link.name: link for link in body.links}
            for number in range(_BASE, self._client.getNumJoints(index)):
                root = number == _BASE
                name = body.links[0].name if root else self._name(index, number)
                self._client.changeDynamics(
                    index,
                    number,
                    lateralFriction=factor * max(geom.friction for geom in links[name].geoms),
                    spinningFriction=0.001,
                    rollingFriction=0.0,
                    restitution=0.0,
                    linearDamping=0.0,
                    angularDamping=0.0,
                )

    def _name(self, index: int, link: int) -> str:
        return self._client.getJointInfo(index, link)[12].decode()

    def _couple_fingers(self) -> None:
        left, right = self._fingers
        gear = self._client.createConstraint(
            self._arm, left, self._arm, right, pybullet.JOINT_GEAR, [1, 0, 0], [0, 0, 0], [0, 0, 0]
        )
        self._client.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=50)

    def _free_joints(self, body: Body) -> None:
        """Give every joint its drive, or take Bullet's motor away down to its dry friction."""
        index = self._bodies[body.name]
        numbers = {self._name(index, k): k for k in range(self._client.getNumJoints(index))}
        for link in body.links:
            if link.name == body.frame_link and link.parent:
                self._frames[body.name] = numbers[link.name]
        own = [(numbers[link.name], link.joint) for link in body.links if link.joint]
        self._joints[body.name] = own
        self._rests[body.name] = tuple(joint.rest for _, joint in own)
        self.set_joints(body.name, body.joints_at)
        for number, joint in own:
            driven = joint.drive == "carriage"
            self._client.setJointMotorControl2(
                index,
                number,
                pybullet.VELOCITY_CONTROL,
                targetVelocity=body.speed_m_s if driven else 0,
                force=_CARRIAGE_N if driven else joint.friction,
            )

    def step(self, n: int) -> None:
        """Advance n physics steps."""
        sprung = [
            (self._bodies[name], number, joint, rest)
            for name, own in self._joints.items()
            for (number, joint), rest in zip(own, self._rests[name], strict=True)
            if joint.stiffness
        ]
        belts = [
            (self._bodies[body.name], number, body.speed_m_s)
            for body in self.scene.bodies
            for number, joint in self._joints[body.name]
            if joint.drive == "belt"
        ]
        for _ in range(n):
            for index, number, joint, rest in sprung:
                at, speed, _, _ = self._client.getJointState(index, number)
                force = joint.stiffness * (rest - at) - joint.damping * speed
                drive = pybullet.TORQUE_CONTROL
                self._client.setJointMotorControl2(index, number, drive, force=force)
            for index, number, speed_m_s in belts:
                # What lies on it feels its speed, though it stays where it is.
                self._client.resetJointState(index, number, 0, speed_m_s)
            self._client.stepSimulation()
        self._must_be_finite()

    def _must_be_finite(self) -> None:
        """Look at every pose and joint: Bullet itself never says that it diverged."""
        arm = self.arm()
        found = {name: self.joints(name).tolist() for name in self._joints}
        for name, index in self._bodies.items():
            pos, quat = self._client.getBasePositionAndOrientation(index)
            found.setdefault(name, []).extend([*pos, *quat])
        found[self.scene.robot.name] = [*arm.q_rad, arm.width_m]
        wrong = [name for name, numbers in found.items() if not np.isfinite(numbers).all()]
        if wrong:
            raise PhysicsFault(f"PyBullet diverged: {', '.join(wrong)}")

    def set_arm_target(self, q_rad: Array, width_m: float) -> None:
        """Set the targets of the servos and of the gripper."""
        servo, self._wanted_width_m = self._robot.servo["pybullet"], width_m
        self._client.setJointMotorControlArray(
            self._arm,
            self._hinges + self._fingers,
            pybullet.POSITION_CONTROL,
            targetPositions=[*q_rad, width_m / 2, width_m / 2],
            positionGains=[servo["gain"]] * 7 + [servo["finger_gain"]] * 2,
            velocityGains=[1.0] * 9,
            forces=[*self._torques, 30.0, 30.0],
        )

    def arm(self) -> ArmState:
        """Read the measured arm."""
        states = self._client.getJointStates(self._arm, self._hinges + self._fingers)
        q = np.array([state[0] for state in states])
        return ArmState(q[:7], float(q[7:].sum()), self._wanted_width_m)

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
        if name in self._frames:
            return self._link_pose(self._bodies[name], self._frames[name])
        return self.root_pose(name)

    def _link_pose(self, index: int, link: int) -> Pose:
        state = self._client.getLinkState(index, link)
        return from_quat(state[4], _wxyz(state[5]))

    def root_pose(self, name: str) -> Pose:
        """Read the world pose of a body's root link."""
        pos, quat = self._client.getBasePositionAndOrientation(self._bodies[name])
        return from_quat(pos, _wxyz(quat)) @ self._inertial[name].inverse()

    def set_pose(self, name: str, pose: Pose) -> None:
        """Put a body there, at rest."""
        centre = pose @ self._inertial[name]
        w, *xyz = centre.quat_wxyz()
        index = self._bodies[name]
        self._client.resetBasePositionAndOrientation(index, centre.pos_m, [*xyz, w])
        self._client.resetBaseVelocity(index, [0, 0, 0], [0, 0, 0])

    def velocity(self, name: str) -> Array:
        """Read how fast a body's frame moves."""
        index = self._bodies[name]
        if name in self._frames:
            state = self._client.getLinkState(index, self._frames[name], computeLinkVelocity=1)
            return np.array(state[6])
        linear, angular = map(np.array, self._client.getBaseVelocity(index))
        centre_m, _ = self._client.getBasePositionAndOrientation(index)
        return linear + np.cross(angular, self.root_pose(name).pos_m - centre_m)

    def set_velocity(self, name: str, velocity_m_s: Array) -> None:
        """Let a free body move that fast."""
        self._client.resetBaseVelocity(self._bodies[name], list(velocity_m_s), [0, 0, 0])

    def joints(self, name: str) -> Array:
        """Read where the joints of an object stand."""
        index = self._bodies[name]
        states = [self._client.getJointState(index, number) for number, _ in self._joints[name]]
        return np.array([state[0] for state in states])

    def set_joints(self, name: str, values: Sequence[float]) -> None:
        """Put an object's joints there, at rest."""
        for (number, _), value in zip(self._joints[name], values, strict=True):
            self._client.resetJointState(self._bodies[name], number, value)

    def set_rests(self, name: str, values: Sequence[float]) -> None:
        """Let the springs of an object's joints pull there."""
        self._rests[name] = tuple(values)

    def contact(self, a: str, b: str) -> bool:
        """Tell whether the bodies or robot links touch."""
        one, other = self._part(a), self._part(b)
        points = self._client.getContactPoints(
            bodyA=one["body"], bodyB=other["body"], **_renamed(one, "A"), **_renamed(other, "B")
        )
        return any(point[8] <= 0 for point in points)

    def _part(self, name: str) -> dict[str, int]:
        """Bullet's number of a body, and of the link when it is one of the robot."""
        if name in self._links:
            return {"body": self._arm, "link": self._links[name]}
        return {"body": self._bodies[name]}

    def state(self) -> Any:
        """Take a snapshot."""
        return self._client.saveState(), dict(self._rests), self._wanted_width_m

    def set_state(self, state: Any) -> None:
        """Return to a snapshot of this world."""
        number, rests, self._wanted_width_m = state
        self._rests = dict(rests)
        self._client.restoreState(number)

    def close(self) -> None:
        """Free the engine's memory."""
        self._client.disconnect()


def _renamed(part: dict[str, int], which: str) -> dict[str, int]:
    return {f"linkIndex{which}": part["link"]} if "link" in part else {}


def _wxyz(xyzw: Any) -> tuple[float, float, float, float]:
    x, y, z, w = xyzw
    return w, x, y, z
