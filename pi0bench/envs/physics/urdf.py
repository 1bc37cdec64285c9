"""Writes one body of a scene as a URDF document, which PyBullet loads."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import numpy as np

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
    element = _add(root, "link", name=link.name)
    centre, inertia = link.inertial
    inertial = _add(element, "inertial")
    _add(inertial, "origin", xyz=centre)
    _add(inertial, "mass", value=link.mass_kg)
    names = {"ixx": (0, 0), "ixy": (0, 1), "ixz": (0, 2), "iyy": (1, 1), "iyz": (1, 2)}
    names["izz"] = (2, 2)
    _add(inertial, "inertia", **{name: inertia[at] for name, at in names.items()})
    for geom in link.geoms:
        if geom.collide:
            collision = _add(element, "collision")
            _add(collision, "origin", xyz=geom.pose.pos_m, rpy=_rpy(geom.pose))
            _shape(_add(collision, "geometry"), geom)


def _shape(element: ET.Element, geom: Geom) -> None:
    match geom.shape, geom.size_m:
        case "box", size:
            _add(element, "box", size=2 * np.array(size))
        case "sphere", (radius,):
            _add(element, "sphere", radius=radius)
        case shape, (radius, half):
            _add(element, shape, radius=radius, length=2 * half)


def _joint(root: ET.Element, link: Link) -> None:
    kinds = {"hinge": "revolute", "slide": "prismatic"}
    kind = kinds[link.joint.kind] if link.joint else "fixed"
    element = _add(root, "joint", name=link.name, type=kind)
    _add(element, "parent", link=link.parent)
    _add(element, "child", link=link.name)
    _add(element, "origin", xyz=link.pose.pos_m, rpy=_rpy(link.pose))
    if joint := link.joint:
        _add(element, "axis", xyz=joint.axis)
        low, high = joint.range
        _add(element, "limit", lower=low, upper=high, effort=joint.max_force, velocity=10)


def _rpy(pose: Pose) -> Array:
    """Roll, pitch, yaw about the fixed axes."""
    rot = pose.rot
    pitch = np.arcsin(np.clip(-rot[2, 0], -1, 1))
    if abs(rot[2, 0]) > 1 - 1e-9:  # pitch of ±90°: only yaw ∓ roll is determined
        return np.array([0.0, pitch, np.arctan2(-rot[0, 1], rot[1, 1])])
    roll = np.arctan2(rot[2, 1], rot[2, 2])
    return np.array([roll, pitch, np.arctan2(rot[1, 0], rot[0, 0])])


def _add(parent: ET.Element, tag: str, **attributes: Any) -> ET.Element:
    words = {key: _text(value) for key, value in attributes.items()}
    return ET.SubElement(parent, tag, words)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return " ".join(repr(float(x)) for x in np.ravel(value).tolist())
