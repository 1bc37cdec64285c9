"""The benchmark's own tasks, as a world to demonstrate in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.data.worlds.tabletop_invented import draw_scene
from pi0bench.data.worlds.world import Disturbance, Glance, PlacedKeypoint, Row
from pi0bench.envs import cameras, content_models
from pi0bench.envs.cameras import CAMERAS, Snapshot
from pi0bench.envs.controller import DEFAULT_HZ, MAX_SPEED_M_S
from pi0bench.envs.panda_kinematics import forward, panda
from pi0bench.envs.pose import Pose, from_quat
from pi0bench.envs.render.choose_renderer import NAMES
from pi0bench.envs.render.renderer_protocol import Camera, Image, Renderer
from pi0bench.envs.scene import Body, Scene
from pi0bench.random_streams import stream
from pi0bench.task import task_files
from pi0bench.task.scripts.script import Hidden, Script
from pi0bench.task.start_states import Layout, place
from pi0bench.task.tabletop_episode import Tabletop, images
from pi0bench.task.task_spec import ObjectSpec, TaskSpec

MAX_OBJECTS = 6
MAX_JOINTS = 2
"""Of an object."""
MAX_GEOMS = 256
"""Of all objects of a task in which some can be hidden."""


@dataclass(frozen=True, eq=False)
class TabletopMoment:
    """See `pi0bench.data.worlds.world.Moment`."""

    scene: Scene
    snapshot: Snapshot
    script: Script

    def images(
        self, renderer: Renderer | None, side: int, cameras: Sequence[str] = CAMERAS
    ) -> dict[str, Image]:
        """Drawn by that renderer; see `Moment.images`."""
        assert renderer is not None
        return images(self.scene, self.snapshot, renderer, side, cameras=cameras)

    def camera(self, name: str) -> Camera:
        """See `Moment.camera`."""
        return cameras.camera(name, self.snapshot)

    def tool(self) -> Pose:
        """See `Moment.tool`."""
        return forward(self.snapshot.q_rad)

    def width_m(self) -> float:
        """See `Moment.width_m`."""
        return self.snapshot.width_m

    def keypoints(self) -> list[PlacedKeypoint]:
        """Those of every object, and those of what happens by itself."""
        found = []
        for body in self.scene.bodies:
            yaw_rad = self.snapshot.poses[body.name].yaw_rad()
            for point in body.keypoints:
                at_m = self.snapshot.keypoint_m(body, point)
                found.append(PlacedKeypoint(point.name, at_m, yaw_rad, body.yaw_symmetry))
        own = self.script.keypoints_m(
            self.scene, self.snapshot.poses.__getitem__, self.snapshot.hidden
        )
        return found + [PlacedKeypoint(name, at_m) for name, at_m in own.items()]


class TabletopScenery:
    """The objects of one demonstration."""

    def __init__(self, bodies: Sequence[Body], script: Script) -> None:
        self._bodies, self._script = bodies, script

    def moment(self, row: Row) -> TabletopMoment:
        """See `pi0bench.data.worlds.world.Scenery`."""
        table = content_models.table()
        poses, joints = {table.name: table.pose}, {}
        noted = zip(self._bodies, row["poses"], row["joints"], strict=False)
        for body, pose, joints_at in noted:
            poses[body.name] = from_quat(pose[:3], pose[3:])
            joints[body.name] = tuple(joints_at[: len(body.joints)].tolist())
        hidden = _unpacked(self._bodies, row["hidden"])
        snap = Snapshot(row["q_rad"], float(row["width_m"]), poses, joints, hidden)
        return TabletopMoment(Scene(panda().body, (table, *self._bodies)), snap, self._script)


class DemonstratedTabletop(Tabletop):
    """See `pi0bench.data.worlds.world.Demonstration`."""

    speed_m_s = MAX_SPEED_M_S

    @property
    def instruction(self) -> str:
        """What is asked, in words."""
        return self.layout.instruction


class TabletopWorld:
    """See `pi0bench.data.worlds.world.World`."""

    renderers, disturbance = NAMES, Disturbance()

    def __init__(self, engine: str, control_hz: int = DEFAULT_HZ) -> None:
        self._engine, self._hz = engine, control_hz

    def tasks(self, suites: Sequence[str]) -> list[TaskSpec]:
        """See `World.tasks`."""
        found = {spec.id: spec for suite in suites for spec in task_files.suite(suite)}
        return [found[name] for name in sorted(found)]

    def begin(self, task: str, seed: int, number: int) -> DemonstratedTabletop:
        """See `World.begin`."""
        spec = task_files.task(task)
        return DemonstratedTabletop(spec, layout_of(spec, seed, number), self._engine, self._hz)

    def note(self, episode: DemonstratedTabletop) -> Row:
        """`q_rad` (7,), `width_m` (), `poses` (MAX_OBJECTS, 7; metres and wxyz), `joints`.

        The joints are (MAX_OBJECTS, MAX_JOINTS); `hidden` has a bit for each of the objects' geoms,
        in order, (MAX_GEOMS / 8,).
        """
        snap = episode.snapshot()
        poses = np.zeros((MAX_OBJECTS, 7), np.float32)
        joints = np.zeros((MAX_OBJECTS, MAX_JOINTS), np.float32)
        for i, body in enumerate(episode.layout.bodies):
            pose = snap.poses[body.name]
            poses[i] = [*pose.pos_m, *pose.quat_wxyz()]
            joints[i, : len(body.joints)] = snap.joints.get(body.name, ())
        return {
            "q_rad": snap.q_rad.astype(np.float32),
            "width_m": np.array(snap.width_m, np.float32),
            "poses": poses,
            "joints": joints,
            "hidden": _packed(episode.layout.bodies, snap.hidden),
        }

    def scenery(self, task: str, seed: int, number: int) -> TabletopScenery:
        """See `World.scenery`."""
        spec = task_files.task(task)
        return TabletopScenery(layout_of(spec, seed, number).bodies, spec.script.make())

    def invent(self, task: str, glance: Glance, rng: np.random.Generator) -> TabletopMoment:
        """See `pi0bench.data.worlds.tabletop_invented`; nothing recorded is looked at."""
        spec = task_files.task(task)
        return TabletopMoment(*draw_scene(spec, rng), spec.script.make())

    def keypoint_heights_m(self, tasks: Sequence[str]) -> dict[str, float]:
        """Every keypoint of these tasks' objects in every colour, and its height on the table."""
        found: dict[str, float] = {}
        for task in map(task_files.task, tasks):
            found |= task.script.make().keypoint_heights_m
            colors = {item.name: item.color for item in task.objects}
            for item in task.objects:
                found |= _heights_m(item, colors[item.like] if item.like else item.color)
        return dict(sorted(found.items()))

    def calibration(self) -> Mapping[str, Any]:
        """See `World.calibration`."""
        return cameras.calibration()


def _packed(bodies: Sequence[Body], hidden: Hidden) -> NDArray[np.uint8]:
    """A bit for each geom of the bodies, in order: is it hidden?"""
    bits = np.zeros(MAX_GEOMS, bool)
    if hidden:
        told = [place in hidden for place in _geoms(bodies)]
        bits[: len(told)] = told
    return np.packbits(bits)


def _unpacked(bodies: Sequence[Body], packed: NDArray[np.uint8]) -> Hidden:
    """The inverse of `_packed`."""
    places = zip(_geoms(bodies), np.unpackbits(packed), strict=False)
    return frozenset(place for place, bit in places if bit)


def _geoms(bodies: Sequence[Body]) -> Iterator[tuple[str, int]]:
    """The name of each body with each number of its geoms, in order."""
    for body in bodies:
        for number in range(sum(len(link.geoms) for link in body.links)):
            yield body.name, number


def layout_of(task: TaskSpec, seed: int, number: int) -> Layout:
    """The start state of a demonstration; its stream never meets that of the evaluations."""
    return place(task, stream("demonstration", seed, task.id, number))


def _heights_m(item: ObjectSpec, colors: Sequence[str]) -> dict[str, float]:
    body = content_models.model(item.model)
    poses = body.link_poses(Pose(np.array([0, 0, body.bottom_m])), body.joints_at)
    found = {}
    for point in body.keypoints:
        height = round(float(poses[point.link].pos_m[2] + point.pos_m[2]), 4)
        names = [content_models.name_in_color(point.name, color) for color in colors]
        names = names or [point.name]
        found |= dict.fromkeys(names, height)
    return found
