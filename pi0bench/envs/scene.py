"""What a world is built from: bodies that are trees of links made of primitives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from pi0bench.envs.pose import Array, Pose, rot_of

Shape = Literal["box", "cylinder", "capsule", "sphere"]
Drive = Literal["", "carriage", "belt"]
Rgba = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Geom:
    """One primitive, fixed to a link.

    Attributes:
        size_m: box: half extents (x, y, z); cylinder and capsule: (radius, half length along z);
            sphere: (radius,).
        pose: of the primitive, in the link's frame.
        collide: False for what is only seen, such as a painted zone.
    """

    shape: Shape
    size_m: tuple[float, ...]
    pose: Pose = field(default_factory=Pose)
    rgba: Rgba = (0.5, 0.5, 0.5, 1.0)
    friction: float = 1.0
    collide: bool = True


@dataclass(frozen=True)
class Joint:
    """A joint about or along `axis` of its link; newtons, metres and seconds, or their angular kin.

    Attributes:
        max_force: of the servo that drives it, if any does.
        drive: a carriage moves along at its body's speed; a belt stays, and carries what lies on it
            as an endless one would; what is drawn on it repeats after its range.
        friction: dry friction.
        stiffness, rest: of a spring, and where that spring would rest.
    """

    kind: Literal["hinge", "slide"]
    axis: tuple[float, float, float]
    range: tuple[float, float]
    max_force: float = 0.0
    damping: float = 0.0
    armature: float = 0.0
    friction: float = 0.0
    stiffness: float = 0.0
    rest: float = 0.0
    drive: Drive = ""

    def moved(self, value: float) -> Pose:
        """What the joint adds to its link's pose when it stands at `value`."""
        axis = np.array(self.axis, float)
        return Pose(axis * value) if self.kind == "slide" else Pose(rot=rot_of(axis * value))

    def run(self, distance_m: float) -> float:
        """Where a belt is seen to stand that has run so far; it looks the same after its range."""
        low, high = self.range
        return low + (distance_m - low) % (high - low)


@dataclass(frozen=True, eq=False)
class Link:
    """A rigid part: its primitives, its mass, and how it hangs on its parent."""

    name: str
    geoms: tuple[Geom, ...]
    mass_kg: float
    parent: str | None = None
    pose: Pose = field(default_factory=Pose)
    joint: Joint | None = None

    @cached_property
    def inertial(self) -> tuple[Array, Array]:
        """Centre of mass (3,) and inertia about it (3, 3), uniform density over the geoms."""
        volumes = np.array([_volume(geom) for geom in self.geoms])
        masses = self.mass_kg * volumes / volumes.sum()
        centre = masses @ [geom.pose.pos_m for geom in self.geoms] / self.mass_kg
        inertia = np.zeros((3, 3))
        for mass, geom in zip(masses, self.geoms, strict=True):
            arm = geom.pose.pos_m - centre
            local = np.diag(mass * _unit_inertia(geom))
            inertia += geom.pose.rot @ local @ geom.pose.rot.T
            inertia += mass * (arm @ arm * np.eye(3) - np.outer(arm, arm))
        return centre, inertia


@dataclass(frozen=True)
class Keypoint:
    """A point that an encoder finds in pictures: its name ("red cube"), and where on its link."""

    name: str
    link: str
    pos_m: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Interior:
    """The inside of a container: a box or an upright cylinder on one of its links."""

    link: str
    space: Geom

    def holds(self, link: Pose, point_m: Array) -> bool:
        """True when the point, (3,), is in it while the link is at that pose."""
        x, y, z = (link @ self.space.pose).inverse().rot @ (point_m - self.centre_m(link))
        if self.space.shape == "box":
            return bool(np.all(np.abs([x, y, z]) < self.space.size_m))
        radius, half = self.space.size_m
        return bool(np.hypot(x, y) < radius and abs(z) < half)

    def centre_m(self, link: Pose) -> Array:
        """Its middle, (3,), while the link is at that pose."""
        return (link @ self.space.pose).pos_m


@dataclass(frozen=True, eq=False)
class Body:
    """A tree of links (parents first) that stands somewhere: fixed, or free to move.

    An object that has joints is fixed.

    Attributes:
        joints_at: where the object's joints start, in the order of `joints`.
        speed_m_s: of its driven joints.
        bottom_m: depth of its underside below its frame.
        top_m: height of its top above its frame.
        radius_m: of its footprint.
        yaw_symmetry: how many headings in a whole turn look the same; 0 for round things.
        keypoints: the points by which it is known.
        interior: its inside, if it is a container.
    """

    name: str
    links: tuple[Link, ...]
    free: bool = False
    pose: Pose = field(default_factory=Pose)
    joints_at: tuple[float, ...] = ()
    speed_m_s: float = 0.0
    bottom_m: float = 0.0
    top_m: float = 0.0
    radius_m: float = 0.0
    yaw_symmetry: int = 1
    keypoints: tuple[Keypoint, ...] = ()
    interior: Interior | None = None

    @cached_property
    def joints(self) -> tuple[Joint, ...]:
        """The object's joints, in the order of its links."""
        return tuple(link.joint for link in self.links if link.joint)

    @cached_property
    def frame_link(self) -> str:
        """The link whose frame is the object's: that of a carriage, else the root."""
        carriages = (k.name for k in self.links if k.joint and k.joint.drive == "carriage")
        return next(carriages, self.links[0].name)

    def joints_seen(self, joints_at: Iterable[float], after_s: float) -> tuple[float, ...]:
        """Where its joints are seen to stand after that time: belts run, though they stay."""
        run_m = self.speed_m_s * after_s
        return tuple(
            joint.run(run_m) if joint.drive == "belt" else float(at)
            for joint, at in zip(self.joints, joints_at, strict=True)
        )

    def link_poses(self, pose: Pose, joints_at: Iterable[float]) -> dict[str, Pose]:
        """World pose of every link of the object when its root and joints stand there."""
        poses: dict[str, Pose] = {}
        left = iter(joints_at)
        for link in self.links:
            base = poses[link.parent] if link.parent else pose
            placed = base @ link.pose
            poses[link.name] = placed @ link.joint.moved(next(left)) if link.joint else placed
        return poses


@dataclass(frozen=True, eq=False)
class Scene:
    """Everything in a world: the robot and the other bodies, by unique names.

    Attributes:
        friction: factor of the friction of every contact.
    """

    robot: Body
    bodies: tuple[Body, ...]
    friction: float = 1.0

    def body(self, name: str) -> Body:
        """The body of that name; KeyError if there is none."""
        return next(b for b in self.bodies if b.name == name)

    @cached_property
    def free_names(self) -> tuple[str, ...]:
        """Names of the bodies that can move, in order."""
        return tuple(body.name for body in self.bodies if body.free)


def _volume(geom: Geom) -> float:
    match geom.shape, geom.size_m:
        case "box", (x, y, z):
            return 8 * x * y * z
        case "cylinder", (r, half):
            return 2 * np.pi * r**2 * half
        case "capsule", (r, half):
            return 2 * np.pi * r**2 * half + 4 / 3 * np.pi * r**3
        case "sphere", (r,):
            return 4 / 3 * np.pi * r**3
    raise ValueError(f"a {geom.shape} cannot have size {geom.size_m}")


def _unit_inertia(geom: Geom) -> Array:
    """Diagonal of the inertia of one kilogram of the primitive (capsules as cylinders)."""
    match geom.shape, geom.size_m:
        case "box", (x, y, z):
            return np.array([y * y + z * z, x * x + z * z, x * x + y * y]) / 3
        case "sphere", (r,):
            return np.full(3, 0.4 * r * r)
        case _, (r, half):
            side = r * r / 4 + half * half / 3
            return np.array([side, side, r * r / 2])
    raise ValueError(f"a {geom.shape} cannot have size {geom.size_m}")
