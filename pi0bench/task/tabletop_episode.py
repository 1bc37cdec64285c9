"""One episode of a task in a world: reset, act, observe, judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.cameras import CAMERAS, Snapshot, camera, picture
from pi0bench.envs.controller import DEFAULT_HZ, Controller
from pi0bench.envs.episode_protocol import Verdict
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, forward, inverse, panda
from pi0bench.envs.physics import ENGINES
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.proprioception import proprio
from pi0bench.envs.render.renderer_protocol import Image, Renderer
from pi0bench.envs.scene import Scene
from pi0bench.envs.world_protocol import World
from pi0bench.errors import UsageError, unknown
from pi0bench.task.expert import plan
from pi0bench.task.expert.misjudged_world import Misjudgement
from pi0bench.task.expert.motion import View
from pi0bench.task.predicates import MEASURES, PREDICATES
from pi0bench.task.start_states import Layout
from pi0bench.task.task_spec import TaskSpec, Way
from pi0bench.task.variation_draws import Conditions

_SETTLE_STEPS = 50


def make_world(engine: str, scene: Scene) -> World:
    """The scene in an engine.

    Raises:
        UsageError: no engine has that name.
    """
    if engine == "mujoco":
        from pi0bench.envs.physics.mujoco import MujocoWorld

        return MujocoWorld(scene)
    if engine == "pybullet":
        from pi0bench.envs.physics.pybullet import PybulletWorld

        return PybulletWorld(scene)
    raise UsageError(unknown("engine", engine, ENGINES))


class Tabletop:
    """A task's episode from a given start state. The world is built anew for each episode."""

    def __init__(
        self,
        task: TaskSpec,
        layout: Layout,
        engine: str,
        control_hz: int = DEFAULT_HZ,
        conditions: Conditions | None = None,
    ) -> None:
        self.task, self.layout, self.control_hz = task, layout, control_hz
        self.conditions = conditions or Conditions()
        bodies = (self.conditions.table, *layout.bodies)
        scene = Scene(panda().body, bodies, self.conditions.friction)
        self.world = make_world(engine, scene)
        self.script = task.script.make()
        self._predicates = PREDICATES | dict(self.script.predicates())
        self._measures = MEASURES | dict(self.script.measures())
        self.script.begin(self.world, np.random.default_rng(layout.script_seed), control_hz)
        self.world.set_arm(_start_rad(layout), MAX_WIDTH_M)
        self.world.step(_SETTLE_STEPS)
        self.controller = Controller(self.world, control_hz, task.ceiling_m)
        self.verdict = Verdict()
        self.steps = 0
        self._stages = [0] * len(task.ways)

    def step(self, action: Array, turn_rad: Array | None = None) -> Verdict:
        """Carry out one action, (7,), and judge the state that it led to.

        Args:
            action: see `Controller`.
            turn_rad: of the joints, (7,), where `pi0bench.envs.controller.aim` has told it already.

        Raises:
            PhysicsFault: the simulation diverged.
        """
        self.controller.act(action, turn_rad)
        self.script.step(self.world)
        self.steps += 1
        for number, way in enumerate(self.task.ways):
            while self._next_stage(number, way):
                self._stages[number] += 1
        held = self.verdict.goal_steps + 1 if self.goal() else 0
        self.verdict = Verdict(held, max(self._stages), self._progress(), self._mode())
        return self.verdict

    def _next_stage(self, number: int, way: Way) -> bool:
        reached = self._stages[number]
        return reached < len(way.stages) and way.stages[reached].run(self._predicates, self.world)

    def _progress(self) -> float:
        if self.task.score:
            return max(self.verdict.progress, self.task.score.run(self._measures, self.world))
        return max(self._stages) / len(self.task.ways[0].stages)

    def _mode(self) -> str:
        if self.verdict.mode:
            return self.verdict.mode
        true = (name for name, call in self.task.modes if call.run(self._predicates, self.world))
        return next(true, "")

    @property
    def hold_steps(self) -> int:
        """Control steps for which the goal must hold."""
        return max(1, round(self.task.hold_s * self.control_hz))

    @property
    def max_steps(self) -> int:
        """Control steps after which the episode ends."""
        return round(self.task.max_s * self.control_hz)

    @property
    def succeeded(self) -> bool:
        """True when the goal has held for `hold_s` up to now."""
        return self.verdict.goal_steps >= self.hold_steps

    @property
    def over(self) -> bool:
        """True when the episode has succeeded, or its time has run out."""
        return self.succeeded or self.steps >= self.max_steps

    def goal(self) -> bool:
        """True when every goal predicate of one of the ways holds now."""
        return any(
            all(call.run(self._predicates, self.world) for call in way.goal)
            for way in self.task.ways
        )

    def lacking(self) -> list[str]:
        """The calls of the goal that do not hold now, of the way that lacks the fewest."""
        ways = [
            [str(call) for call in way.goal if not call.run(self._predicates, self.world)]
            for way in self.task.ways
        ]
        return min(ways, key=len)

    def expert_action(self, misjudgement: Misjudgement | None = None) -> Array:
        """What the scripted expert would do now, (7,), were it so wrong about where things are."""
        goal, choice = self.controller.goal, self.layout.expert_choice
        view = View(self.world, self.control_hz, goal, self.script, choice)
        return plan.act(self.task, view, self._predicates, misjudgement)

    def proprio(self) -> NDArray[np.float32]:
        """Proprioception now, (13,): see `pi0bench.envs.proprioception.proprio`."""
        arm = self.world.arm()
        return proprio(forward(arm.q_rad), arm.width_m, self.controller.goal.pos_m)

    def snapshot(self) -> Snapshot:
        """Where everything is, for drawing."""
        arm = self.world.arm()
        poses = {body.name: self.world.root_pose(body.name) for body in self.world.scene.bodies}
        run_s = self.steps / self.control_hz
        joints = {
            body.name: body.joints_seen(self.world.joints(body.name), run_s)
            for body in self.world.scene.bodies
            if body.joints
        }
        return Snapshot(arm.q_rad, arm.width_m, poses, joints, self.script.hidden())

    def state(self) -> Any:
        """All that decides how it goes on, from which the same actions lead to the same states."""
        told = (self.steps, self.verdict, tuple(self._stages))
        return self.world.state(), self.controller.state(), self.script.state(), told

    def set_state(self, state: Any) -> None:
        """Return to a state of this episode."""
        physical, commanded, remembered, (self.steps, self.verdict, stages) = state
        self.world.set_state(physical)
        self.controller.set_state(commanded)
        self.script.set_state(remembered)
        self._stages = list(stages)

    def images(self, renderer: Renderer, side: int) -> dict[str, Image]:
        """One square picture a camera, (side, side, 3)."""
        return images(self.world.scene, self.snapshot(), renderer, side, self.conditions)

    def view(self, name: str, renderer: Renderer, side: int) -> Image:
        """One camera's square picture, (side, side, 3)."""
        scene, snapshot, only = self.world.scene, self.snapshot(), (name,)
        return images(scene, snapshot, renderer, side, self.conditions, only)[name]

    def close(self) -> None:
        """Free the world."""
        self.world.close()


def images(
    scene: Scene,
    snapshot: Snapshot,
    renderer: Renderer,
    side: int,
    conditions: Conditions | None = None,
    cameras: Sequence[str] = CAMERAS,
) -> dict[str, Image]:
    """Every camera's picture of a snapshot, (side, side, 3) each."""
    how = conditions or Conditions()
    seen = picture(scene, snapshot, how.light)
    return {
        name: renderer.draw(seen, camera(name, snapshot, how.bumps), side, side) for name in cameras
    }


def _start_rad(layout: Layout) -> Array:
    home = panda().home_rad
    rot = forward(home).rot
    c, s = np.cos(layout.yaw_rad), np.sin(layout.yaw_rad)
    turned = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ rot
    return inverse(Pose(np.array(layout.tcp_m), turned), home, iterations=30)
