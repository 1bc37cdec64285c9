"""robosuite's tasks, as a world to demonstrate in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pi0bench.data.worlds.world import Disturbance, Glance, PlacedKeypoint, Row
from pi0bench.envs.cameras import CAMERAS
from pi0bench.envs.episode_protocol import OWN
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.render.renderer_protocol import Camera, Image, Renderer
from pi0bench.random_streams import stream
from pi0bench.robosuite.cameras import mounted
from pi0bench.robosuite.environment import Stage
from pi0bench.robosuite.episode import RobosuiteEpisode
from pi0bench.robosuite.task import RobosuiteTask
from pi0bench.robosuite.task_spec import SOURCE, names, spec

MAX_STATE = 40
"""Numbers of a state, those of smaller worlds being filled up."""


@dataclass(frozen=True, eq=False)
class RobosuiteMoment:
    """See `pi0bench.data.worlds.world.Moment`; the stage must not be shown another one meanwhile.

    Attributes:
        name: robosuite's, of the task.
        stage: as it was then.
    """

    name: str
    stage: Stage

    def images(
        self, renderer: Renderer | None, side: int, cameras: Sequence[str] = CAMERAS
    ) -> dict[str, Image]:
        """Drawn by the stage itself; see `Moment.images`."""
        return {name: self.stage.draw(name, side, side) for name in cameras}

    def camera(self, name: str) -> Camera:
        """See `Moment.camera`."""
        return self.stage.camera(name)

    def tool(self) -> Pose:
        """See `Moment.tool`."""
        return self.stage.tool()

    def width_m(self) -> float:
        """See `Moment.width_m`."""
        return self.stage.width_m()

    def keypoints(self) -> list[PlacedKeypoint]:
        """See `Moment.keypoints`."""
        found = []
        for point in spec(self.name).keypoints:
            at = self.stage.site(point.site) if point.site else self.stage.body(point.body)
            placed = PlacedKeypoint(point.name, at.pos_m, at.yaw_rad(), point.yaw_symmetry)
            found.append(placed)
        return found


class RobosuiteScenery:
    """A stage that was reset as a demonstration's was."""

    def __init__(self, name: str, stage: Stage) -> None:
        self._name, self.stage = name, stage

    def moment(self, row: Row) -> RobosuiteMoment:
        """See `pi0bench.data.worlds.world.Scenery`."""
        self.stage.show(_state(self.stage, row))
        return RobosuiteMoment(self._name, self.stage)

    def with_arm_of(self, row: Row) -> RobosuiteMoment:
        """The moment that is shown, but for the arm, which is where it was in that row."""
        self.stage.put_arm(_state(self.stage, row))
        return RobosuiteMoment(self._name, self.stage)


def _state(stage: Stage, row: Row) -> Array:
    return row["state"][: len(stage.data.qpos)]


class DemonstratedRobosuite(RobosuiteEpisode):
    """A demonstration; its environment stays open for the next one."""

    def close(self) -> None:
        """Do nothing."""


class RobosuiteWorld:
    """See `pi0bench.data.worlds.world.World`."""

    renderers, disturbance = (OWN,), Disturbance(turn=0.1)

    def __init__(self) -> None:
        self._stages: dict[str, Stage] = {}
        self._played: dict[str, Stage] = {}

    def tasks(self, suites: Sequence[str]) -> list[RobosuiteTask]:
        """See `World.tasks`."""
        return [RobosuiteTask(name) for name in names()]

    def begin(self, task: str, seed: int, number: int) -> DemonstratedRobosuite:
        """See `World.begin`."""
        name, rng = _name(task), stream("demonstration", seed, task, number)
        episode = DemonstratedRobosuite(spec(name), rng, self._played.get(name))
        self._played[name] = episode.env
        return episode

    def note(self, episode: RobosuiteEpisode) -> Row:
        """`state` (MAX_STATE,): see `Stage.state`."""
        state = np.zeros(MAX_STATE, np.float32)
        now = episode.stage.state()
        state[: len(now)] = now
        return {"state": state}

    def scenery(self, task: str, seed: int, number: int) -> RobosuiteScenery:
        """See `World.scenery`."""
        name = _name(task)
        stage = self._stages.get(name) or Stage(name)
        self._stages[name] = stage
        stage.reset(stream("demonstration", seed, task, number))
        return RobosuiteScenery(name, stage)

    def invent(self, task: str, glance: Glance, rng: np.random.Generator) -> RobosuiteMoment:
        """The things of one moment with the arm of another."""
        _, arm = glance(task, rng)
        scenery, things = glance(task, rng)
        assert isinstance(scenery, RobosuiteScenery)
        scenery.moment(things)
        return scenery.with_arm_of(arm)

    def keypoint_heights_m(self, tasks: Sequence[str]) -> dict[str, float]:
        """See `World.keypoint_heights_m`."""
        points = (point for task in tasks for point in spec(_name(task)).keypoints)
        return dict(sorted((point.name, point.height_m) for point in points))

    def calibration(self) -> Mapping[str, Any]:
        """See `World.calibration`."""
        return {
            name: {
                "on_tool": camera.on_tool,
                "pos_m": camera.pose.pos_m.tolist(),
                "rot": camera.pose.rot.ravel().tolist(),
                "fovy_deg": camera.fovy_deg,
            }
            for name, camera in mounted().items()
        }


def _name(task: str) -> str:
    """Robosuite's name of a task of ours."""
    return task.removeprefix(f"{SOURCE}/")
