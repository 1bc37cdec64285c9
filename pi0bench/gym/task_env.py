"""The benchmark's tasks as Gymnasium environments."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from pi0bench.envs import state_and_points
from pi0bench.envs.controller import ACTION_DIM, DEFAULT_HZ, known_rate
from pi0bench.envs.physics import ENGINES
from pi0bench.envs.render import choose_renderer
from pi0bench.envs.render.presentation import FILM_PX, VIEW
from pi0bench.envs.render.renderer_protocol import Image
from pi0bench.envs.scene import Body
from pi0bench.envs.world_protocol import PhysicsFault
from pi0bench.errors import UsageError, unknown
from pi0bench.gym.lazy_renderers import LazyRenderers
from pi0bench.gym.observation_spaces import longest, observation_space, utf8
from pi0bench.random_streams import stream
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task as load_task

OBS_MODES = ("rgb", "state", "pointcloud")
REWARDS = ("success", "progress")
_SIDES = range(16, 641)

Action = NDArray[np.float32]
Observation = dict[str, Any]


class TabletopEnv(gymnasium.Env[Observation, Action]):
    """One task in one engine.

    The action, (7,), is that of `pi0bench.envs.controller.Controller`. Every observation has
    `proprio`, (13,), see `pi0bench.envs.proprioception`, and the `instruction`, as text and as
    `instruction_utf8`, bytes with zeros behind them: text in observations is blank in Gymnasium's
    AsyncVectorEnv, unless it is made with `shared_memory=False`. On top of that

    - "rgb" has the pictures `front` and `wrist`, (side, side, 3) each;
    - "state" has `objects`, (13 · objects,): see `pi0bench.envs.state_and_points.objects`; their
      order is drawn for each episode, so that it does not tell which one is asked for;
    - "pointcloud" has `points`, (1024, 6): see `pi0bench.envs.state_and_points.Cloud`.

    The reward is 1 at the step at which the goal has held for long enough, which ends the episode,
    and 0 before; or else what `info["progress"]` has risen by. An episode that runs out of time, or
    whose simulation diverges, is truncated; the latter shows the observation before it, and says
    why in `info["fault"]`.

    Args:
        task: its id.
        engine: mujoco or pybullet.
        obs_mode: rgb, state or pointcloud.
        control_hz: actions a second, one of `CONTROL_HZ`.
        render_mode: None or rgb_array, pictures for people that no policy sees: the real robot,
            with shadows, where the machine has OpenGL and the renderer is not tiny.
        image_side: of the observed pictures, pixels.
        renderer: gl, tiny, or auto for the engine's own. It starts when the first picture is drawn.
        reward: success or progress.

    Raises:
        UsageError: a value is none of these.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(
        self,
        task: str,
        engine: str = "mujoco",
        obs_mode: str = "rgb",
        control_hz: int = DEFAULT_HZ,
        render_mode: str | None = None,
        image_side: int = 64,
        renderer: str = "auto",
        reward: str = "success",
    ) -> None:
        _known("reward", reward, REWARDS)
        _known("engine", engine, ENGINES)
        _known("observation mode", obs_mode, OBS_MODES)
        _known("renderer", renderer, (*choose_renderer.NAMES, "auto"))
        if render_mode is not None:
            _known("render mode", render_mode, self.metadata["render_modes"])
        known_rate("control_hz", control_hz)
        if image_side not in _SIDES:
            raise UsageError(f"image_side must be from 16 to 640; got {image_side}")
        self.task, self.engine, self.obs_mode = load_task(task), engine, obs_mode
        self.control_hz, self.image_side = int(control_hz), int(image_side)
        self.reward = reward
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "render_fps": self.control_hz}
        self.action_space = spaces.Box(-1.0, 1.0, (ACTION_DIM,), np.float32)
        self.observation_space = observation_space(self.task, obs_mode, self.image_side)
        self._longest = longest(self.task)
        self._renderers = LazyRenderers(renderer, engine)
        self._episode: Tabletop | None = None
        self._cloud: state_and_points.Cloud | None = None
        self._in_order: list[Body] = []
        self._seen: Observation = {}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode.

        Args:
            seed: for the environment's own generator, which draws the start states. No seed leads
                to one that policies are measured or were trained on.
            options: `episode` starts that evaluation episode and leaves the generator alone.

        Raises:
            UsageError: there is no such option or episode.
        """
        super().reset(seed=seed)
        for name in options or {}:
            _known("option", name, ("episode",))
        kind, seed, where = self._start((options or {}).get("episode"))
        layout = place(self.task, stream(kind, seed, *where))
        order = stream("object order", seed, kind, *where).permutation(len(layout.bodies))
        self._in_order = [layout.bodies[number] for number in order]
        self._end()
        self._episode = Tabletop(self.task, layout, self.engine, self.control_hz)
        if self.obs_mode == "pointcloud":
            self._cloud = state_and_points.Cloud(
                self._episode.world.scene, self._episode.snapshot()
            )
        self._seen = self._observe()
        return _copied(self._seen), self._info()

    def _start(self, episode: int | None) -> tuple[str, int, tuple[str | int, ...]]:
        """The stream, its seed and place from which the episode's start is drawn."""
        if episode is None:
            # Not the generator itself: some seed of it may well be an evaluation episode's.
            return "gymnasium", int(self.np_random.integers(2**63)), (self.task.id,)
        if isinstance(episode, bool) or not isinstance(episode, int | np.integer) or episode < 0:
            raise UsageError(f"an episode is a whole number from 0; got {episode}")
        return "evaluation", 0, (self.task.id, int(episode))

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Carry out one action, (7,).

        Raises:
            UsageError: it has another shape, or is not finite.
        """
        wanted = np.asarray(action, np.float64)
        if wanted.shape != (ACTION_DIM,) or not np.isfinite(wanted).all():
            raise UsageError(f"an action is {ACTION_DIM} finite numbers; got {action}")
        before = self._progress()
        try:
            self.tabletop.step(wanted)
        except PhysicsFault as error:
            return _copied(self._seen), 0.0, False, True, {**self._info(), "fault": str(error)}
        self._seen = self._observe()
        done = self.tabletop.succeeded
        late = not done and self.tabletop.steps >= self.tabletop.max_steps
        reward = float(done) if self.reward == "success" else self._progress() - before
        return _copied(self._seen), reward, done, late, self._info()

    def _progress(self) -> float:
        now = self.tabletop
        return 1.0 if now.succeeded else now.verdict.progress

    @property
    def tabletop(self) -> Tabletop:
        """The running episode.

        Raises:
            gymnasium.error.ResetNeeded: there is none.
        """
        if self._episode is None:
            raise gymnasium.error.ResetNeeded("there is no episode yet; call reset first")
        return self._episode

    @property
    def object_names(self) -> list[str]:
        """Names of the objects in the order in which "state" shows them: not for policies."""
        return [body.name for body in self._in_order]

    def expert_action(self) -> Action:
        """What the scripted expert, who knows the true state, would do now, (7,)."""
        return np.clip(self.tabletop.expert_action(), -1, 1).astype(np.float32)

    def render(self) -> Image | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """A picture for people, (360, 480, 3); None without a render mode."""
        if self.render_mode is None:
            gymnasium.logger.warn('there is nothing to render without render_mode="rgb_array"')
            return None
        scene, now = self.tabletop.world.scene, self.tabletop.snapshot()
        return self._renderers.for_people().draw(scene, now, VIEW, *FILM_PX)

    def close(self) -> None:
        """Free the world and the renderer."""
        self._end()
        self._renderers.close()

    def _end(self) -> None:
        if self._episode is not None:
            self._episode.close()
            self._episode = None

    def _observe(self) -> Observation:
        now = self.tabletop
        said = now.layout.instruction
        seen: Observation = {"proprio": now.proprio(), "instruction": said}
        seen["instruction_utf8"] = utf8(said, self._longest)
        if self.obs_mode == "rgb":
            seen |= now.images(self._renderers.for_policies(), self.image_side)
        elif self.obs_mode == "state":
            seen["objects"] = state_and_points.objects(self._in_order, now.snapshot())
        elif self._cloud is not None:
            seen["points"] = self._cloud.points(now.snapshot())
        return seen

    def _info(self) -> dict[str, Any]:
        now = self.tabletop
        return {
            "is_success": now.succeeded,
            "success": now.succeeded,
            "progress": self._progress(),
            "stages": now.verdict.stages,
            "mode": now.verdict.mode,
            "instruction": now.layout.instruction,
        }


def _known(kind: str, value: object, known: tuple[str, ...] | list[str]) -> None:
    if value not in known:
        raise UsageError(unknown(kind, str(value), known))


def _copied(seen: Observation) -> Observation:
    return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in seen.items()}
