"""An episode of a task of robosuite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.episode_protocol import Observation, Verdict
from pi0bench.envs.pose import Array
from pi0bench.envs.proprioception import proprio
from pi0bench.envs.render.renderer_protocol import Image, Renderer
from pi0bench.envs.world_protocol import EnvFault
from pi0bench.robosuite.cameras import control_hz, mounted
from pi0bench.robosuite.environment import Stage
from pi0bench.robosuite.experts import EXPERTS
from pi0bench.robosuite.task_spec import Spec


class RobosuiteEpisode:
    """See `pi0bench.envs.episode_protocol.Episode`.

    Actions are ours but for their scale, which is robosuite's: 5 cm and half a radian a step.

    Args:
        spec: the task.
        rng: draws the start state.
        env: built for that task before, to be reset; None builds one.

    Raises:
        EnvFault: the environment cannot be built or reset.
    """

    low, high = -np.ones(7), np.ones(7)

    def __init__(self, spec: Spec, rng: np.random.Generator, env: Stage | None = None) -> None:
        self._name, self.instruction = spec.name, spec.instruction
        self.control_hz = control_hz()
        self.speed_m_s = 0.05 * self.control_hz
        self.max_steps = round(spec.max_s * self.control_hz)
        self.hold_steps = max(1, round(spec.hold_s * self.control_hz))
        self.steps, self._held = 0, 0
        try:
            self.stage = env or Stage(spec.name)
            self.stage.reset(rng)
        except Exception as error:
            raise EnvFault(f"robosuite: {error!r}") from error
        self._commanded_m = self.stage.tool().pos_m

    @property
    def env(self) -> Stage:
        """What can be reset for another episode, in place of being closed."""
        return self.stage

    @property
    def verdict(self) -> Verdict:
        """For how long it has now been a success; there are no stages."""
        return Verdict(self._held, 0, float(self.succeeded))

    @property
    def succeeded(self) -> bool:
        """True when it has been one for `hold_steps`."""
        return self._held >= self.hold_steps

    @property
    def over(self) -> bool:
        """True when it has succeeded, or its time has run out."""
        return self.succeeded or self.steps >= self.max_steps

    def step(self, action: Array) -> None:
        """Carry out one action, (7,)."""
        self._commanded_m = self.stage.tool().pos_m + 0.05 * action[:3]
        self.stage.step(action)
        self.steps += 1
        self._held = self._held + 1 if self.stage.env._check_success() else 0

    def observe(self, renderer: Renderer | None, side: int, points: int) -> Observation:
        """The renderer is the world's own, and proprioception is (13,)."""
        drawn = {name: self.stage.draw(name, side, side) for name in mounted()} if side else {}
        joints_rad = self.stage.joints_rad().astype(np.float32)
        return Observation(self.proprio(), drawn, joints_rad=joints_rad)

    def proprio(self) -> NDArray[np.float32]:
        """Proprioception now, (13,): see `pi0bench.envs.proprioception.proprio`."""
        return proprio(self.stage.tool(), self.stage.width_m(), self._commanded_m)

    def expert_action(self) -> Array:
        """What the scripted expert would do now, (7,).

        Raises:
            ValueError: the task has none.
        """
        if self._name not in EXPERTS:
            raise ValueError(f"robosuite/{self._name} has no scripted expert")
        return EXPERTS[self._name](self.stage).clip(-1, 1)

    def frame(self, height: int, width: int) -> Image:
        """The front camera's picture, (height, width, 3)."""
        return self.stage.draw("front", height, width)

    def close(self) -> None:
        """Close the environment."""
        self.stage.close()
