from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from pi0bench.envs.world_protocol import EnvFault
from pi0bench.errors import UsageError
from pi0bench.gym.external_env_task import GymTask
from pi0bench.gym.registration import STILL


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
    frame = episode.frame(360, 480)
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


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("CartPole-v9", 'no Gymnasium environment "CartPole-v9"; did you mean "CartPole-v1"?'),
        ("../x", 'no Gymnasium environment "../x"; nearest of '),
        ("os:path:x", 'no Gymnasium environment "os:path:x"; give ID, MODULE:ID or '),
        ("Corridor-v0?steps=3", 'no Gymnasium environment "Corridor-v0?steps=3"; give ID'),
        ("nowhere:X-v0", "nowhere: cannot be imported: ModuleNotFoundError"),
        ("leaves:X-v0", "leaves: cannot be imported: SystemExit"),
        ("Corridor-v0?success=often", 'no success "often"; known: end, once'),
    ],
)
def test_what_names_no_environment_is_told_in_a_line(
    name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "leaves.py").write_text("raise SystemExit(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError) as caught:
        GymTask(name)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_module_is_imported_that_registers_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "halls.py").write_text(
        "import gymnasium\ngymnasium.register('halls/Hall-v3', 'halls:Hall', max_episode_steps=5)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        task = GymTask("halls:halls/Hall-v3")
        assert task.id == "gymnasium/halls:halls/Hall-v3"
        assert GymTask("halls:halls/Hall").id == task.id  # the newest, as in gymnasium.make
        assert GymTask("halls/Hall-v3").hash != task.hash
    finally:
        gymnasium.registry.pop("halls/Hall-v3", None)
        sys.modules.pop("halls", None)


def test_names_of_one_environment_are_one_task() -> None:
    assert (
        GymTask("CartPole").id == GymTask("CartPole-v1?success=end").id == "gymnasium/CartPole-v1"
    )
    assert GymTask("CartPole").hash == GymTask("CartPole-v1").hash
    once = GymTask("CartPole?success=once")
    assert once.id == "gymnasium/CartPole-v1?success=once"
    one, other = (task.begin(0, 3).observe(None, 64, 0) for task in (once, GymTask("CartPole-v1")))
    assert np.array_equal(one.proprio, other.proprio)


class Passing(Corridor):
    """Success while on the mat, between two and three metres."""

    metadata = {"render_modes": [], "render_fps": 0.5}  # noqa: RUF012

    def step(self, action: Any) -> Any:
        self.place_m += float(action[0])
        on = 2 <= self.place_m < 3
        return self._seen(), 1.0 if on else -1.0, False, False, {"is_success": on}


@pytest.mark.parametrize(
    ("name", "speed_m", "succeeded", "steps"),
    [
        ("Passing-v0", 1.0, False, 5),
        ("Passing-v0?success=once", 1.0, True, 2),
        ("Passing-v0", 0.42, True, 5),
        ("Passing-v0?success=once", 0.42, True, 5),
        ("Passing-v0?success=once", 0.1, False, 5),
    ],
)
def test_success_may_be_asked_for_at_the_end_or_once(
    name: str, speed_m: float, succeeded: bool, steps: int
) -> None:
    gymnasium.register("Passing-v0", Passing, max_episode_steps=5)
    try:
        episode = GymTask(name).begin(0, 0)
        walk(episode, speed_m)
        assert (episode.succeeded, episode.steps) == (succeeded, steps)
        assert episode.control_hz == 1
    finally:
        del gymnasium.registry["Passing-v0"]


class Peak(Corridor):
    def step(self, action: Any) -> Any:
        self.place_m += float(action[0])
        return self._seen(), 1.0 if self.place_m < 3 else -1.0, False, False, {}


def test_a_return_may_be_asked_to_reach_its_threshold_once() -> None:
    gymnasium.register("Peak-v0", Peak, max_episode_steps=5, reward_threshold=2.0)
    try:
        ends = [GymTask(f"Peak-v0{rule}").begin(0, 0) for rule in ("", "?success=once")]
        for episode in ends:
            walk(episode, 1.0)
        assert [episode.succeeded for episode in ends] == [False, True]
    finally:
        del gymnasium.registry["Peak-v0"]


def test_the_hash_knows_the_versions() -> None:
    assert len({GymTask(name).hash for name in ("CartPole-v1", "Acrobot-v1", STILL)}) == 3
    assert GymTask(STILL).hash == GymTask(STILL).hash
