"""The shipped policies: they load, and a row's plan depends on that row alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from pi0bench.content.folders import EXTRA, folder
from pi0bench.errors import UsageError
from pi0bench.policy import registry
from pi0bench.policy.card import read, read_keypoint_card, weights_path
from pi0bench.policy.learned_policy import LearnedPolicy, load_policy
from pi0bench.policy.policy_folders import CARD, EYES_CARD, WEIGHTS, folders
from pi0bench.policy.policy_protocol import Committed, Observation

FOLDERS = folders()
TRAINED = [name for name, home in FOLDERS.items() if weights_path(home, read(home)).exists()]


def observation(
    seed: int,
    side: int,
    says: str = "put the red cube in the bowl",
    points: int = 0,
    committed: Committed | None = None,
) -> Observation:
    rng = np.random.default_rng(seed)
    images = {n: rng.integers(0, 255, (side, side, 3), np.uint8) for n in ("front", "wrist")}
    feel = np.array([0.5, 0, 0.2, 1, 0, 0, 0, -1, 0, 0.08, 0, 0, 0], np.float32)
    feel += rng.normal(0, 0.01, 13).astype(np.float32)
    cloud = rng.random((points, 6), np.float32) if points else None
    return Observation(images, feel, says, points=cloud, committed=committed)


def actions(policy: LearnedPolicy, seeds: list[int], steps: int = 2, **change: Any) -> np.ndarray:
    side, points = policy.traits.image_side, policy.traits.points
    seen = [observation(seed, side, points=points, **change) for seed in seeds]
    noise = [np.random.default_rng(1000 + seed) for seed in seeds]
    return policy.plan(seen, noise, steps, (*policy.traits.solvers, "none")[0]).actions


@pytest.mark.parametrize("name", TRAINED)
def test_each_policy_loads_and_plans(name: str) -> None:
    home = FOLDERS[name]
    policy = load_policy(home)
    assert policy.name == name
    plan = actions(policy, [0])
    chunk = read(home).chunk
    assert plan.shape[0] == 1
    assert chunk.execute <= plan.shape[1] <= chunk.length
    assert plan.shape[2] == 7
    assert np.isfinite(plan).all()
    assert policy.traits.execute == chunk.execute
    assert len(policy.traits.weights) == 12


def committed(chunk: np.ndarray, guidance: Literal["soft", "hard"]) -> Committed:
    return Committed(chunk, 2, 8, guidance)


@pytest.mark.parametrize("guidance", ["soft", "hard"])
@pytest.mark.parametrize("name", TRAINED)
def test_who_can_be_guided_follows_the_chunk_before(
    name: str, guidance: Literal["soft", "hard"]
) -> None:
    policy = load_policy(FOLDERS[name])
    path = read(FOLDERS[name]).head.get("kind") == "gaussian_path"
    if not policy.traits.guidable:
        assert not path or not policy.traits.solvers
        return
    seeds = [0, 1, 2, 3, 4, 5, 6, 7]
    plain = actions(policy, seeds, steps=5)
    nothing = committed(np.zeros((0, 7)), guidance)
    assert np.array_equal(actions(policy, seeds, steps=5, committed=nothing), plain)
    chunk = actions(policy, [8], steps=5)[0, :8].clip(-1, 1)  # of a plan as it makes them
    before = committed(chunk, guidance)
    guided = actions(policy, seeds, steps=5, committed=before)
    off = np.abs(guided[:, :2] - chunk[:2]).mean()
    assert off < 0.6 * np.abs(plain[:, :2] - chunk[:2]).mean()
    again = actions(policy, [9, 1, 8, 3, 4, 5, 6, 7], steps=5, committed=before)
    assert np.array_equal(again[3], guided[3])
    if guidance == "hard":
        assert off < 1e-4


@pytest.mark.parametrize("name", sorted(FOLDERS.keys() - TRAINED))
def test_a_policy_without_weights_says_how_they_are_made(name: str) -> None:
    own = read(FOLDERS[name]).same_as or name
    with pytest.raises(
        UsageError, match=f"no such file; pi0bench train ({own}|eyes/robosuite) makes it"
    ):
        load_policy(FOLDERS[name])
    assert f"No weights yet: train {own}." in registry.summary(name)


@pytest.fixture(scope="module")
def pi0() -> LearnedPolicy:
    return load_policy(folder("policies") / "pi0")


def test_a_row_is_the_same_to_the_bit_in_any_company_of_the_same_size(pi0: LearnedPolicy) -> None:
    assert pi0.traits.rows == 8
    together = actions(pi0, [0, 1, 2, 3, 4, 5, 6, 7])
    for place in (0, 3, 7):
        others = [20 + i for i in range(8)]
        others[place] = 5
        assert np.array_equal(actions(pi0, others)[place], together[5])


def test_steps_noise_and_words_matter(pi0: LearnedPolicy) -> None:
    one = actions(pi0, [0])
    assert not np.array_equal(one, actions(pi0, [0], steps=5))
    assert not np.array_equal(one, actions(pi0, [0], says="put the blue cube in the bowl"))
    seen = [observation(0, pi0.traits.image_side)]
    other = pi0.plan(seen, [np.random.default_rng(5)], 2, "euler").actions
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("steps", [1, 2, 10])
def test_trunk_evaluations_are_counted(pi0: LearnedPolicy, steps: int) -> None:
    seen = [observation(0, pi0.traits.image_side)]
    assert pi0.plan(seen, [np.random.default_rng(0)], steps, "euler").trunk_evaluations == steps


def test_blind_sees_nothing_and_is_otherwise_pi0(pi0: LearnedPolicy) -> None:
    blind = load_policy(folder("policies") / "blind")
    side = blind.traits.image_side
    a, b = observation(0, side), observation(1, side)
    rng = np.random.default_rng
    same_feel = Observation(b.images, a.proprio, a.instruction)
    first, second = (blind.plan([x], [rng(3)], 1, "euler").actions for x in (a, same_feel))
    assert np.array_equal(first, second)
    one, other = (pi0.plan([x], [rng(3)], 1, "euler").actions for x in (a, same_feel))
    assert not np.array_equal(one, other)


def test_an_unknown_word_is_no_crash(pi0: LearnedPolicy) -> None:
    assert np.isfinite(actions(pi0, [0], says="")).all()
    assert np.isfinite(actions(pi0, [0], says="pick ☃ " * 40)).all()


def test_each_card_is_small_and_says_what_it_is() -> None:
    for home in {p.parent for p in folder("policies").rglob("*.toml")}:
        names = [name for name in (CARD, EYES_CARD) if (home / name).exists()]
        assert len(names) == 1, home
        card = read(home) if names == [CARD] else read_keypoint_card(home)
        assert card.summary.endswith(".")
        assert (home / "README.md").exists(), f"{home} has no model card"


def test_a_policy_has_other_weights_in_a_world_where_it_learned_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "policies" / "mine"
    for place, summary in ((home, "At home."), (home / "robosuite", "There.")):
        place.mkdir(parents=True)
        shutil.copy(FOLDERS["pi0"] / WEIGHTS, place)
        card = (FOLDERS["pi0"] / CARD).read_text()
        lines = [f'summary = "{summary}"', *card.splitlines()[1:]]
        (place / CARD).write_text("\n".join(lines))
    monkeypatch.setenv(EXTRA, str(tmp_path))
    at_home, there = registry.load("mine"), registry.load("mine", "robosuite")
    assert (at_home.name, there.name) == ("mine", "mine/robosuite")
    assert at_home.traits.weights != there.traits.weights
    assert registry.load("mine/robosuite").traits == there.traits
    for engine in ("mujoco", "pybullet", "gymnasium"):
        assert registry.own_in("mine", engine) == "mine"
    assert "press_button" in at_home.traits.learned
    assert "push_t" not in at_home.traits.learned
