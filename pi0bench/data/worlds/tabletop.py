"""The benchmark's own tasks, as a world to demonstrate in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pi0bench.data.worlds.tabletop_invented import draw_scene
from pi0bench.data.worlds.world import Disturbance, Glance, PlacedKeypoint, Row
from pi0bench.envs import cameras, content_models
from pi0bench.envs.cameras import CAMERAS, Snapshot
from pi0bench.envs.controller import MAX_SPEED_M_S
from pi0bench.envs.panda_kinematics import forward, panda
from pi0bench.envs.pose import Pose, from_quat
from pi0bench.envs.render.choose_renderer import NAMES
from pi0bench.envs.render.renderer_protocol import Camera, Image, Renderer
from pi0bench.envs.scene import Body, Scene
from pi0bench.random_streams import stream
from pi0bench.task import task_files
from pi0bench.task.start_states import Layout, place
from pi0bench.task.tabletop_episode import Tabletop, images
from pi0bench.task.task_spec import ObjectSpec, TaskSpec

MAX_OBJECTS = 6
MAX_JOINTS = 2
"""Of an object."""


@dataclass(frozen=True, eq=False)
class TabletopMoment:
    """See `pi0bench.data.worlds.world.Moment`."""

    scene: Scene
    snapshot: Snapshot

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
        """Those of every object."""
        found = []
        for body in self.scene.bodies:
            yaw_rad = self.snapshot.poses[body.name].yaw_rad()
            for point in body.keypoints:
                at_m = self.snapshot.keypoint_m(body, point)
                found.append(PlacedKeypoint(point.name, at_m, yaw_rad, body.yaw_symmetry))
        return found


class TabletopScenery:
    """The objects of one demonstration."""

    def __init__(self, bodies: Sequence[Body]) -> None:
        self._bodies = bodies

    def moment(self, row: Row) -> TabletopMoment:
        """See `pi0bench.data.worlds.world.Scenery`."""
        table = content_models.table()
        poses, joints = {table.name: table.pose}, {}
        noted = zip(self._bodies, row["poses"], row["joints"], strict=False)
        for body, pose, joints_at in noted:
            poses[body.name] = from_quat(pose[:3], pose[3:])
            joints[body.name] = tuple(joints_at[: len(body.joints)].tolist())
        snap = Snapshot(row["q_rad"], float(row["width_m"]), poses, joints)
        return TabletopMoment(Scene(panda().body, (table, *self._bodies)), snap)


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

    def __init__(self, engine: str) -> None:
        self._engine = engine

    def tasks(self, suites: Sequence[str]) -> list[TaskSpec]:
        """See `World.tasks`."""
        found = {spec.id: spec for suite in suites for spec in task_files.suite(suite)}
        return [found[name] for name in sorted(found)]

    def begin(self, task: str, seed: int, number: int) -> DemonstratedTabletop:
        """See `World.begin`."""
        spec = task_files.task(task)
        return DemonstratedTabletop(spec, layout_of(spec, seed, number), self._engine)

    def note(self, episode: DemonstratedTabletop) -> Row:
        """`q_rad` (7,), `width_m` (), `poses` (MAX_OBJECTS, 7; metres and wxyz), `joints`.

        The joints are (MAX_OBJECTS, MAX_JOINTS).
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
        }

    def scenery(self, task: str, seed: int, number: int) -> TabletopScenery:
        """See `World.scenery`."""
        return TabletopScenery(layout_of(task_files.task(task), seed, number).bodies)

    def invent(self, task: str, glance: Glance, rng: np.random.Generator) -> TabletopMoment:
        """See `pi0bench.data.worlds.tabletop_invented`; nothing recorded is looked at."""
        return TabletopMoment(*draw_scene(task_files.task(task), rng))

    def keypoint_heights_m(self, tasks: Sequence[str]) -> dict[str, float]:
        """Every keypoint of these tasks' objects in every colour, and its height on the table."""
        found: dict[str, float] = {}
        for task in map(task_files.task, tasks):
            colors = {item.name: item.color for item in task.objects}
            for item in task.objects:
                found |= _heights_m(item, colors[item.like] if item.like else item.color)
        return dict(sorted(found.items()))

    def calibration(self) -> Mapping[str, Any]:
        """See `World.calibration`."""
        return cameras.calibration()


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
