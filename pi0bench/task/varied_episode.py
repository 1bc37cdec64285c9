"""A tabletop episode as it is measured: its start state, conditions and sensors by its number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.controller import ACTION_DIM, DEFAULT_HZ, MAX_SPEED_M_S
from pi0bench.envs.episode_protocol import Observation, Verdict
from pi0bench.envs.pose import Array
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.envs.state_and_points import Cloud
from pi0bench.random_streams import stream
from pi0bench.task.knock import Knocker
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_spec import TaskSpec
from pi0bench.task.variation_draws import noisy_image, noisy_proprio, start
from pi0bench.task.variation_files import variation

LOW, HIGH = -np.ones(ACTION_DIM), np.ones(ACTION_DIM)


class VariedTabletop(Tabletop):
    """See `pi0bench.envs.episode_protocol.Episode`.

    Attributes:
        knocker: pushes a thing aside, if the variation does.

    Args:
        task: of which it is an episode.
        engine: mujoco or pybullet.
        name: the variation.
        seed: of start states and sensors.
        number: the episode's.
        control_hz: control steps a second.

    Raises:
        EnvFault: the world cannot be built.
        UsageError: no engine or variation has that name.
    """

    low, high, speed_m_s = LOW, HIGH, MAX_SPEED_M_S

    def __init__(
        self,
        task: TaskSpec,
        engine: str,
        name: str,
        seed: int,
        number: int,
        control_hz: int = DEFAULT_HZ,
    ) -> None:
        self._sensors, self._seed = variation(name), seed
        self._where = (name, task.id, number)
        self._observed = 0
        self._cloud: Cloud | None = None
        layout, conditions = start(task, name, seed, number)
        super().__init__(task, layout, engine, control_hz, conditions)
        self.instruction = layout.instruction
        self.knocker = Knocker(conditions.knock, self.control_hz)

    def step(self, action: Array, turn_rad: Array | None = None) -> Verdict:
        """See `pi0bench.task.tabletop_episode.Tabletop.step`."""
        self.knocker.before_step(self.world, self.steps)
        return super().step(action, turn_rad)

    def state(self) -> Any:
        """See `pi0bench.task.tabletop_episode.Tabletop.state`."""
        return super().state(), self.knocker.state()

    def set_state(self, state: Any) -> None:
        """Return to a state of this episode."""
        own, knocked = state
        super().set_state(own)
        self.knocker.set_state(knocked)

    def observe(self, renderer: Renderer | None, side: int, points: int) -> Observation:
        """What the variation's sensors say; proprioception is (13,)."""
        images = self.images(renderer, side) if renderer else {}
        proprio = self.proprio()
        how = self._sensors
        if how.image_sigma_levels or how.position_sigma_mm or how.angle_sigma_rad:
            rng = stream("variation", self._seed, *self._where, self._observed)
            proprio = noisy_proprio(how, proprio, rng)
            images = {name: noisy_image(how, image, rng) for name, image in images.items()}
        self._observed += 1
        joints_rad = self.world.arm().q_rad.astype(np.float32)
        return Observation(proprio, images, self._points(points) if points else None, joints_rad)

    def frame(self, height: int, width: int) -> Snapshot:
        """Where everything is."""
        return self.snapshot()

    def _points(self, count: int) -> NDArray[np.float32]:
        """The cloud now, (count, 6); its points keep their places on things from the first on."""
        now = self.snapshot()
        if self._cloud is None:
            self._cloud = Cloud(self.world.scene, now, count)
        return self._cloud.points(now)
