"""A body in another size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pi0bench.envs.pose import Pose
from pi0bench.envs.scene import Body, Geom, Joint, Link


def scaled(body: Body, factor: float) -> Body:
    """The body with all its lengths multiplied, of the same density, its frame where it was.

    Joints go as far in proportion; speeds, frictions and springs stay.
    """
    interior, points = body.interior, body.keypoints
    if interior is not None:
        interior = replace(interior, space=_geom(interior.space, factor))
    slides = [joint.kind == "slide" for joint in body.joints]
    return replace(
        body,
        links=tuple(_link(link, factor) for link in body.links),
        joints_at=tuple(
            at * factor if slide else at for at, slide in zip(body.joints_at, slides, strict=True)
        ),
        bottom_m=body.bottom_m * factor,
        top_m=body.top_m * factor,
        radius_m=body.radius_m * factor,
        keypoints=tuple(
            replace(p, pos_m=tuple((factor * np.array(p.pos_m)).tolist())) for p in points
        ),
        interior=interior,
    )


def _link(link: Link, factor: float) -> Link:
    return replace(
        link,
        geoms=tuple(_geom(geom, factor) for geom in link.geoms),
        mass_kg=link.mass_kg * factor**3,
        pose=_pose(link.pose, factor),
        joint=_joint(link.joint, factor) if link.joint else None,
    )


def _geom(geom: Geom, factor: float) -> Geom:
    size_m = tuple(length * factor for length in geom.size_m)
    return replace(geom, size_m=size_m, pose=_pose(geom.pose, factor))


def _joint(joint: Joint, factor: float) -> Joint:
    if joint.kind == "hinge":
        return joint
    low, high = joint.range
    return replace(joint, range=(low * factor, high * factor), rest=joint.rest * factor)


def _pose(pose: Pose, factor: float) -> Pose:
    return Pose(pose.pos_m * factor, pose.rot)
