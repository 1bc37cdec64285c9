"""Any registered Gymnasium environment as a task."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec, load_env_creator

from pi0bench.envs.episode_protocol import OWN, Observation, Verdict
from pi0bench.envs.pose import Array
from pi0bench.envs.render.renderer_protocol import Image, Renderer
from pi0bench.envs.world_protocol import EnvFault
from pi0bench.errors import UsageError
from pi0bench.gym.env_ids import find
from pi0bench.gym.rgb_frames import rgb
from pi0bench.random_streams import stream

SOURCE = "gymnasium"
MAX_STEPS = 1000
"""An environment without a time limit of its own gets this one."""

_HZ = 20
_SUCCESS = ("is_success", "success")


class GymTask:
    """An environment's task (see `pi0bench.evaluate.task_sources.Outside`).

    Args:
        name: see `pi0bench.gym.env_ids.find`.

    Raises:
        UsageError: no environment has that name.
    """

    engine, renderer = SOURCE, OWN

    def __init__(self, name: str) -> None:
        found = find(name)
        self.id, self.hash = f"{SOURCE}/{found.name}", found.hash
        self._spec, self._once = found.spec, found.success == "once"

    def begin(
        self, seed: int, number: int, env: gymnasium.Env[Any, Any] | None = None
    ) -> GymEpisode:
        """Start an episode, by a reset of `env` if given; its number decides the reset's seed."""
        # By the environment's own name: whatever success is, the start is the same.
        rng = stream("evaluation", seed, f"{SOURCE}/{self._spec.id}", number)
        return GymEpisode(self._spec, int(rng.integers(2**31)), self._once, env)


class GymEpisode:
    """An episode of an environment (see `pi0bench.envs.episode_protocol.Episode`).

    Of an observation, RGB pictures go to `images`, text to the instruction, and all other numbers,
    in the order of their names, to `proprio`. It has succeeded when the last `info` says so, under
    `is_success` or `success`; where no `info` has either, when its return reaches the
    environment's `reward_threshold`. If once is enough, it ends with the first `info` that says so,
    and a return that has reached the threshold may fall again.

    Args:
        spec: of the environment.
        seed: for its reset.
        once: whether success at any time is enough.
        env: made from the spec before; None makes one.

    Attributes:
        env: the environment, which can be reset for another episode in place of being closed.

    Raises:
        EnvFault: it cannot be made or reset.
        UsageError: its actions are neither a box of one axis nor discrete, or an episode ends and
            nothing has said what success is.
    """

    speed_m_s = None

    def __init__(
        self,
        spec: EnvSpec,
        seed: int,
        once: bool = False,
        env: gymnasium.Env[Any, Any] | None = None,
    ) -> None:
        self._name, self._threshold = spec.id, spec.reward_threshold
        self._limit = spec.max_episode_steps or MAX_STEPS
        self.steps, self.over = 0, False
        self._return, self._best, self._held = 0.0, -math.inf, 0
        self._once, self._flagged = once, False
        try:
            self.env = env or _make(spec)
            self._observation, info = self.env.reset(seed=seed)
        except Exception as error:
            raise EnvFault(f"{spec.id}: reset: {error!r}") from error
        self.low, self.high, self.legal = _actions(self.env.action_space, spec.id)
        self.control_hz = max(1, int(self.env.metadata.get("render_fps") or _HZ))
        self.instruction = str(info.get("instruction") or _text(self._observation) or spec.id)

    @property
    def succeeded(self) -> bool:
        """True when the last step said so."""
        return self._held > 0

    @property
    def verdict(self) -> Verdict:
        """For how long it has now been a success; there are no stages."""
        return Verdict(self._held, 0, float(self.succeeded))

    def observe(self, renderer: Renderer | None, side: int, points: int) -> Observation:
        """What the environment showed last, in its own sizes."""
        if isinstance(self._observation, np.ndarray) and self._observation.dtype != np.uint8:
            return Observation(self._observation.astype(np.float32).ravel())
        images: dict[str, Image] = {}
        numbers: list[Array] = []
        for name, value in _parts("image", self._observation):
            if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 3:
                images[name] = value.copy()
            elif not isinstance(value, str):
                numbers.append(np.asarray(value, np.float64).ravel())
        proprio = np.concatenate(numbers) if numbers else np.zeros(0)
        return Observation(proprio.astype(np.float32), images)

    def step(self, action: Array) -> None:
        """Carry out one action, (A,)."""
        try:
            self._observation, reward, done, late, info = self.env.step(self.legal(action))
        except Exception as error:
            raise EnvFault(f"step {self.steps}: {error!r}") from error
        self.steps += 1
        self._return += float(reward)
        self._best = max(self._best, self._return)
        if info:
            self._follow(info)
        if done or late or self.steps >= self._limit or (self._once and self._held):
            self._end()

    def _follow(self, info: Mapping[str, Any]) -> None:
        for name in _SUCCESS:
            if name in info:
                self._flagged = True
                self._held = self._held + 1 if info[name] else 0
                return

    def _end(self) -> None:
        self.over = True
        if not math.isfinite(self._return):
            raise EnvFault(f"the return after {self.steps} steps is {self._return}")
        if self._flagged:
            return
        if self._threshold is None:
            raise UsageError(
                f"{self._name}: nothing says what its success is; put "
                f'"{_SUCCESS[0]}" into its info, or register it with a reward_threshold'
            )
        self._held = int((self._best if self._once else self._return) >= self._threshold)

    def expert_action(self) -> Array:
        """There is no expert.

        Raises:
            ValueError: always.
        """
        raise ValueError("a Gymnasium environment has no scripted expert")

    def frame(self, height: int, width: int) -> Image | None:
        """What it draws itself, in its own size; nothing, after a warning, where it cannot."""
        try:
            drawn: Any = self.env.render()
        except Exception as error:  # a missing library, mostly: results never depend on it
            _warn_once(f"{self._name} cannot be drawn, so there are no videos: {error}")
            return None
        return rgb(drawn)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()


def _make(spec: EnvSpec) -> gymnasium.Env[Any, Any]:
    """The environment, able to draw itself if it can."""
    entry = spec.entry_point
    made_by = load_env_creator(entry) if isinstance(entry, str) else entry
    metadata = getattr(made_by, "metadata", {})
    if isinstance(metadata, Mapping) and "rgb_array" in metadata.get("render_modes", ()):
        return gymnasium.make(spec, render_mode="rgb_array")
    return gymnasium.make(spec)


def _actions(space: Any, name: str) -> tuple[Array, Array, Callable[[Array], Any]]:
    """The least and greatest action, (A,) each, and how to make one of the space's own."""
    if isinstance(space, spaces.Discrete):
        first, last = int(space.start), int(space.start + space.n - 1)
        low, high = np.array([first - 0.5]), np.array([last + 0.5])
        return low, high, lambda action: min(max(round(float(action[0])), first), last)
    if isinstance(space, spaces.Box) and len(space.shape) == 1:
        bounded = np.isfinite(space.low), np.isfinite(space.high)
        low, high = np.where(bounded[0], space.low, -1.0), np.where(bounded[1], space.high, 1.0)
        dtype = space.dtype
        return low, high, lambda action: action.astype(dtype)
    raise UsageError(f"{name}: its actions are {space}; a Box of one axis or Discrete would work")


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The arrays, numbers and texts of an observation, each with its name."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            yield from _parts(str(key), value[key])
    elif isinstance(value, tuple):
        for number, part in enumerate(value):
            yield from _parts(f"{name}{number}", part)
    else:
        yield name, value


def _text(observation: Any) -> str:
    return " ".join(value for _, value in _parts("", observation) if isinstance(value, str))


@functools.cache
def _warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=3)
