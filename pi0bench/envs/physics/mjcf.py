"""Writes a scene as MuJoCo's MJCF."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations

from pi0bench.envs.panda_kinematics import FINGERS, Panda
from pi0bench.envs.physics.xml import add
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Body, Geom, Link, Scene
from pi0bench.envs.world_protocol import PHYSICS_HZ

SOLREF, SOLIMP = (0.004, 1.0), (0.95, 0.99, 0.001)
"""Contacts as stiff as they can be: two time steps is the shortest time constant that is stable."""
ROBOT, OBJECT = 1, 2  # collision groups: the robot's own links never touch each other


def write(scene: Scene, robot: Panda) -> str:
    """The scene as an MJCF document; MuJoCo's own automatic reset of bad states is off."""
    root = ET.Element("mujoco", model="pi0bench")
    add(root, "compiler", angle="radian", autolimits="true")
    option = add(
        root,
        "option",
        timestep=1 / PHYSICS_HZ,
        integrator="Euler",  # under the implicit ones a held object creeps in the grip
        cone="elliptic",
        impratio=10,
    )
    add(option, "flag", autoreset="disable")
    world = add(root, "worldbody")
    _body(world, scene.robot, ROBOT, scene.friction)
    for body in scene.bodies:
        _body(world, body, OBJECT, scene.friction)
    _servos(root, robot)
    _drives(root, scene)
    _exclude_own_links(root, scene)
    return ET.tostring(root, encoding="unicode")


def _servos(root: ET.Element, robot: Panda) -> None:
    left, right = FINGERS
    equality = add(root, "equality")
    add(equality, "joint", joint1=left, joint2=right, solref="0.005 1")
    actuator = add(root, "actuator")
    gains = robot.servo["mujoco"]
    for link, kp, kv in zip(robot.arm_links, gains["kp"], gains["kv"], strict=True):
        assert link.joint
        force = (-link.joint.max_force, link.joint.max_force)
        add(actuator, "position", joint=link.name, kp=kp, kv=kv, forcerange=force)
    for finger in FINGERS:
        kp, kv = gains["finger_kp"], gains["finger_kv"]
        add(actuator, "position", joint=finger, kp=kp, kv=kv, forcerange=(-30, 30))


def _drives(root: ET.Element, scene: Scene) -> None:
    """Motors of carriages, after the robot's, in the order of the bodies and their links."""
    actuator = root.find("actuator")
    assert actuator is not None
    for body in scene.bodies:
        for link in body.links:
            if link.joint and link.joint.drive == "carriage":
                # This gain reaches the speed within a step; a greater one diverges.
                gain = link.mass_kg * PHYSICS_HZ
                add(actuator, "velocity", joint=link_name(body, link.name), kv=gain)


def _exclude_own_links(root: ET.Element, scene: Scene) -> None:
    contact = add(root, "contact")
    for body in scene.bodies:
        for one, other in combinations(link_names(body), 2):
            add(contact, "exclude", body1=one, body2=other)


def link_name(body: Body, link: str) -> str:
    """Name of an object's link in the document: the root link has the object's own name."""
    return body.name if link == body.links[0].name else f"{body.name}.{link}"


def link_names(body: Body) -> list[str]:
    """Names of an object's links in the document, in order."""
    return [link_name(body, link.name) for link in body.links]


def joint_names(body: Body) -> list[str]:
    """Names of an object's joints in the document, in order: each is called as its link is."""
    return [link_name(body, link.name) for link in body.links if link.joint]


def _body(world: ET.Element, body: Body, group: int, factor: float) -> None:
    parents: dict[str | None, ET.Element] = {None: world}
    names = [link.name for link in body.links] if group == ROBOT else link_names(body)
    for link, name in zip(body.links, names, strict=True):
        root = link.parent is None
        pose = body.pose @ link.pose if root else link.pose
        element = add(parents[link.parent], "body", name=name, **_placed(pose))
        parents[link.name] = element
        if root and body.free:
            add(element, "freejoint", name=name)
        _link(element, name, link, group, factor)


def _link(element: ET.Element, name: str, link: Link, group: int, factor: float) -> None:
    if group == ROBOT:
        element.set("gravcomp", "1")
    if joint := link.joint:
        add(
            element,
            "joint",
            name=name,
            type=joint.kind,
            axis=joint.axis,
            range=joint.range,
            damping=joint.damping,
            armature=joint.armature,
            frictionloss=joint.friction,
            solreffriction=SOLREF,
            solimpfriction=SOLIMP,
            stiffness=joint.stiffness,
            springref=joint.rest,
        )
    centre, inertia = link.inertial
    full = inertia[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
    add(element, "inertial", pos=centre, mass=link.mass_kg, fullinertia=full)
    for geom in link.geoms:
        _geom(element, geom, group, factor)


def _geom(element: ET.Element, geom: Geom, group: int, factor: float) -> None:
    if not geom.collide:
        return
    add(
        element,
        "geom",
        type=geom.shape,
        size=geom.size_m,
        condim=4,
        # Of two things that touch MuJoCo takes the greater friction, so all of them are scaled.
        friction=(factor * geom.friction, 0.01, 0.0002),
        solref=SOLREF,
        solimp=SOLIMP,
        contype=group,
        conaffinity=OBJECT if group == ROBOT else ROBOT | OBJECT,
        **_placed(geom.pose),
    )


def _placed(pose: Pose) -> dict[str, Array]:
    return {"pos": pose.pos_m, "quat": pose.quat_wxyz()}
