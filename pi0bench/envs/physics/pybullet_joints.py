"""What moves the joints of objects in PyBullet: dry friction, springs, carriages and belts."""

from __future__ import annotations

from collections.abc import Iterable

from pi0bench.envs.physics.pybullet_bodies import LoadedBody
from pi0bench.envs.physics.pybullet_client import Client, pybullet

_CARRIAGE_N = 1000.0


class ObjectJoints:
    """The joints of a scene's objects.

    Attributes:
        rests: where the springs of each object's joints pull, by its name.
    """

    def __init__(self, client: Client, loaded: Iterable[LoadedBody]) -> None:
        self._client = client
        jointed = [item for item in loaded if item.joints]
        self.rests = {
            item.body.name: tuple(joint.rest for _, joint in item.joints) for item in jointed
        }
        every = [(item, place) for item in jointed for place in range(len(item.joints))]
        self._springs = [(i, k) for i, k in every if i.joints[k][1].stiffness]
        self._belts = [(i, k) for i, k in every if i.joints[k][1].drive == "belt"]
        for item, place in every:
            number, joint = item.joints[place]
            carriage = joint.drive == "carriage"
            # Bullet's own motor, which would hold every joint, is that of a carriage or becomes
            # the dry friction.
            client.setJointMotorControl2(
                item.index,
                number,
                pybullet.VELOCITY_CONTROL,
                targetVelocity=item.body.speed_m_s if carriage else 0,
                force=_CARRIAGE_N if carriage else joint.friction,
            )

    def step(self, n: int) -> None:
        """Advance the world n physics steps, springs pulling and belts running."""
        for _ in range(n):
            for item, place in self._springs:
                self._pull(item, place)
            for item, place in self._belts:
                # What lies on it feels its speed, though it stays where it is.
                number, speed_m_s = item.joints[place][0], item.body.speed_m_s
                self._client.resetJointState(item.index, number, 0, speed_m_s)
            self._client.stepSimulation()

    def _pull(self, item: LoadedBody, place: int) -> None:
        number, joint = item.joints[place]
        at, speed, _, _ = self._client.getJointState(item.index, number)
        stretch = self.rests[item.body.name][place] - at
        force = joint.stiffness * stretch - joint.damping * speed
        self._client.setJointMotorControl2(item.index, number, pybullet.TORQUE_CONTROL, force=force)
