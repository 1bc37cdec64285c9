"""Bodies in PyBullet: loaded from URDF, with their friction and the numbers that it gives them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pi0bench.envs.physics import urdf
from pi0bench.envs.physics.pybullet_client import Client, pybullet
from pi0bench.envs.pose import Pose, from_quat
from pi0bench.envs.scene import Body, Joint

ROBOT, OBJECT = 1, 2
"""Collision groups: the robot's own links never touch each other."""
_ROOT = -1  # PyBullet's number of a body's root link


@dataclass(frozen=True, eq=False)
class LoadedBody:
    """A body of a scene and PyBullet's numbers for it.

    Attributes:
        index: the body's number.
        links: each link's number, by its name. A joint has the number of the link that it moves.
        centre: pose of the root link's centre of mass in that link, which is what Bullet moves.
    """

    body: Body
    index: int
    links: dict[str, int]
    centre: Pose

    @cached_property
    def joints(self) -> tuple[tuple[int, Joint], ...]:
        """The number of each joint, and the joint, in the order of the links."""
        return tuple((self.links[link.name], link.joint) for link in self.body.links if link.joint)

    @cached_property
    def frame(self) -> int | None:
        """The number of the link whose frame is the body's; None when that is the root."""
        number = self.links[self.body.frame_link]
        return None if number == _ROOT else number


def load(client: Client, body: Body, group: int, friction: float) -> LoadedBody:
    """Load a body at the origin.

    Args:
        client: the world that it is loaded into.
        body: what to load.
        group: `ROBOT` or `OBJECT`.
        friction: factor of the friction of every contact.
    """
    # PyBullet reads URDF from files only. Each is of its own: what threads share, and what
    # forked processes inherit, would be overwritten by others' bodies.
    with tempfile.NamedTemporaryFile("w", suffix=".urdf", encoding="utf-8") as file:
        file.write(urdf.write(body))
        file.flush()
        index = client.loadURDF(
            file.name,
            useFixedBase=not body.free,
            # Else a cylinder is a hull with a hidden margin of 1 mm.
            flags=pybullet.URDF_USE_INERTIA_FROM_FILE | pybullet.URDF_USE_IMPLICIT_CYLINDER,
        )
    numbers = range(client.getNumJoints(index))
    links = {client.getJointInfo(index, number)[12].decode(): number for number in numbers}
    links[body.links[0].name] = _ROOT
    for link in body.links:
        number = links[link.name]
        mask = OBJECT if group == ROBOT else ROBOT | OBJECT
        client.setCollisionFilterGroupMask(index, number, group, mask)
        client.changeDynamics(
            index,
            number,
            # Bullet multiplies the frictions of two things that touch.
            lateralFriction=friction**0.5 * max(geom.friction for geom in link.geoms),
            spinningFriction=0.001,
            rollingFriction=0.0,
            restitution=0.0,
            linearDamping=0.0,
            angularDamping=0.0,
        )
    info = client.getDynamicsInfo(index, _ROOT)
    return LoadedBody(body, index, links, pose_of(info[3], info[4]))


def pose_of(pos_m: Any, quat_xyzw: Any) -> Pose:
    """A pose as Bullet writes it, the quaternion's real part last."""
    x, y, z, w = quat_xyzw
    return from_quat(pos_m, (w, x, y, z))
