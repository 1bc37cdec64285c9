"""Writes one body of a scene as a URDF document, which PyBullet loads."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np

from pi0bench.envs.physics.xml import add
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Body, Geom, Link


def write(body: Body) -> str:
    """The body as URDF: collision shapes and inertia only, since renderers draw on their own."""
    root = ET.Element("robot", name=body.name)
    for link in body.links:
        _link(root, link)
        if link.parent is not None:
            _joint(root, link)
    return ET.tostring(root, encoding="unicode")


def _link(root: ET.Element, link: Link) -> None:
    element = add(root, "link", name=link.name)
    centre, inertia = link.inertial
    inertial = add(element, "inertial")
    add(inertial, "origin", xyz=centre)
    add(inertial, "mass", value=link.mass_kg)
    names = {"ixx": (0, 0), "ixy": (0, 1), "ixz": (0, 2), "iyy": (1, 1), "iyz": (1, 2)}
    names["izz"] = (2, 2)
    add(inertial, "inertia", **{name: inertia[at] for name, at in names.items()})
    for geom in link.geoms:
        if geom.collide:
            collision = add(element, "collision")
            add(collision, "origin", xyz=geom.pose.pos_m, rpy=_rpy(geom.pose))
            _shape(add(collision, "geometry"), geom)


def _shape(element: ET.Element, geom: Geom) -> None:
    match geom.shape, geom.size_m:
        case "box", size:
            add(element, "box", size=2 * np.array(size))
        case "sphere", (radius,):
            add(element, "sphere", radius=radius)
        case shape, (radius, half):
            add(element, shape, radius=radius, length=2 * half)


def _joint(root: ET.Element, link: Link) -> None:
    kinds = {"hinge": "revolute", "slide": "prismatic"}
    kind = kinds[link.joint.kind] if link.joint else "fixed"
    element = add(root, "joint", name=link.name, type=kind)
    add(element, "parent", link=link.parent)
    add(element, "child", link=link.name)
    add(element, "origin", xyz=link.pose.pos_m, rpy=_rpy(link.pose))
    if joint := link.joint:
        add(element, "axis", xyz=joint.axis)
        low, high = joint.range
        add(element, "limit", lower=low, upper=high, effort=joint.max_force, velocity=10)
        if not joint.stiffness:  # a spring's damping is part of its force
            add(element, "dynamics", damping=joint.damping)


def _rpy(pose: Pose) -> Array:
    """Roll, pitch, yaw about the fixed axes."""
    rot = pose.rot
    pitch = np.arcsin(np.clip(-rot[2, 0], -1, 1))
    if abs(rot[2, 0]) > 1 - 1e-9:  # pitch of ±90°: only yaw ∓ roll is determined
        return np.array([0.0, pitch, np.arctan2(-rot[0, 1], rot[1, 1])])
    roll = np.arctan2(rot[2, 1], rot[2, 2])
    return np.array([roll, pitch, np.arctan2(rot[1, 0], rot[0, 0])])
