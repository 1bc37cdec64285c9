from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from pi0bench.envs.gym import GymTask
from pi0bench.envs.registration import STILL
from pi0bench.envs.world import EnvFault
from pi0bench.errors import UsageError


class Corridor(gymnasium.Env[Any, Any]):
    """Walk right to the end, three metres away; the picture shows how far."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012
    observation_space = spaces.Dict(
        {
            "place_m": spaces.Box(-9.0, 9.0, (1,)),
            "eye": spaces.Box(0, 255, (4, 6, 3), np.uint8),
            "doors": spaces.Discrete(3),
            "words": spaces.Text(30),
        }
    )
    action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self, flagged: bool = True, render_mode: str | None = None, **_: Any) -> None:
        self.flagged, self.render_mode = flagged, render_mode

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place_m = float(self.np_random.uniform(0, 0.1))
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        assert action.dtype == np.float32
        self.place_m += float(action[0])
        if self.place_m < -1:
            raise RuntimeError("fell off")
        there = self.place_m >= 3
        return self._seen(), float(there), there, False, {"success": there} if self.flagged else {}

    def render(self) -> Any:
        return self._seen()["eye"]

    def _seen(self) -> dict[str, Any]:
        eye = np.full((4, 6, 3), 50 * max(0.0, self.place_m), np.uint8)
        return {"place_m": np.array([self.place_m]), "eye": eye, "doors": 2, "words": "go right"}


@pytest.fixture(autouse=True)
def _corridor() -> Any:
    for name, more in {
        "Corridor-v0": {},
        "Flagless-v0": {"kwargs": {"flagged": False}, "reward_threshold": 1.0},
        "Silent-v0": {"kwargs": {"flagged": False}},
    }.items():
        gymnasium.register(name, Corridor, max_episode_steps=5, **more)
    yield
    for name in ("Corridor-v0", "Flagless-v0", "Silent-v0"):
        del gymnasium.registry[name]


def walk(episode: Any, speed_m: float, steps: int = 5) -> None:
    for _ in range(steps):
        if not episode.over:
            episode.step(np.array([speed_m]))


def test_an_observation_is_sorted_into_pictures_numbers_and_words() -> None:
    episode = GymTask("Corridor-v0").begin(0, 0)
    seen = episode.observe(None, 64, 0)
    assert list(seen.images) == ["eye"]
    assert seen.images["eye"].shape == (4, 6, 3)
    assert seen.proprio.dtype == np.float32
    assert seen.proprio[0] == 2  # doors come before place_m
    assert 0 <= seen.proprio[1] <= 0.1
    assert episode.instruction == "go right"
    assert episode.control_hz == 10
    frame = episode.frame(None, 256)
    assert frame is not None
    assert frame.shape == (4, 6, 3)


@pytest.mark.parametrize("name", ["Corridor-v0", "Flagless-v0"])
def test_success_is_what_the_info_says_or_else_a_return(name: str) -> None:
    good, slow = GymTask(name).begin(0, 0), GymTask(name).begin(0, 0)
    walk(good, 1.0)
    walk(slow, 0.2)
    assert (good.succeeded, good.steps, good.verdict.goal_steps) == (True, 3, 1)
    assert (slow.succeeded, slow.steps, slow.over) == (False, 5, True)


def test_where_nothing_says_what_success_is_the_run_ends() -> None:
    with pytest.raises(UsageError, match="Silent-v0: nothing says what its success is"):
        walk(GymTask("Silent-v0").begin(0, 0), 0.1)


def test_the_episodes_number_decides_the_start() -> None:
    def start(number: int) -> float:
        return float(GymTask("Corridor-v0").begin(0, number).observe(None, 64, 0).proprio[1])

    assert start(3) == start(3)
    assert len({start(number) for number in range(5)}) == 5


def test_what_the_environment_raises_is_its_own_fault() -> None:
    with pytest.raises(EnvFault, match=r"step 1: RuntimeError.*fell off"):
        walk(GymTask("Corridor-v0").begin(0, 0), -1.0)


def test_discrete_actions_are_the_nearest_number() -> None:
    episode = GymTask("CartPole-v1").begin(0, 0)
    assert (episode.low.tolist(), episode.high.tolist()) == ([-0.5], [1.5])
    assert [episode.legal(np.array([x])) for x in (-0.5, 0.4, 0.6, 1.5)] == [0, 0, 1, 1]


class Odd(Corridor):
    action_space = spaces.MultiBinary(3)  # type: ignore[assignment]


def test_other_spaces_are_refused() -> None:
    gymnasium.register("Odd-v0", Odd)
    try:
        with pytest.raises(UsageError, match="its actions are MultiBinary"):
            GymTask("Odd-v0").begin(0, 0)
    finally:
        del gymnasium.registry["Odd-v0"]


@pytest.mark.parametrize("name", ["CartPole-v9", "os:CartPole-v1", "../x"])
def test_only_registered_names_are_environments(name: str) -> None:
    with pytest.raises(UsageError, match="no Gymnasium environment"):
        GymTask(name)


def test_the_hash_knows_the_versions() -> None:
    assert len({GymTask(name).hash for name in ("CartPole-v1", "Acrobot-v1", STILL)}) == 3
    assert GymTask(STILL).hash == GymTask(STILL).hash
