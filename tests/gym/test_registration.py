"""Gymnasium's conventions: ids, versions, limits, and finding them without an import."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import gymnasium
import pytest

import pi0bench
from pi0bench.content.folders import folder
from pi0bench.errors import UsageError
from pi0bench.gym import registration
from pi0bench.gym.registration import STILL, env_ids, register
from pi0bench.task.task_files import task, task_ids

MADE = "env = gymnasium.make('{}', obs_mode='state', engine='pybullet'); env.reset(seed=0)"
ID = "pi0bench/reach_cube-v1"


@pytest.mark.parametrize(
    "code",
    [
        "import gymnasium; " + MADE.format("pi0bench:" + ID),
        "import gymnasium; " + MADE.format("pi0bench:pi0bench/reach_cube"),
        "import pi0bench, gymnasium; " + MADE.format(ID),
        "import gymnasium, pi0bench; " + MADE.format(ID),
        "import pi0bench, gymnasium; " + MADE.format("pi0bench:" + ID),
        "import pi0bench.gym.registration, gymnasium; " + MADE.format(ID),
        "import gymnasium; " + MADE.format("pi0bench.gym.registration:" + ID),
        # Whoever only looks whether Gymnasium is there does not import it.
        "import pi0bench, importlib.util as u; assert u.find_spec('gymnasium'); "
        "assert 'gymnasium' not in sys.modules; import gymnasium; " + MADE.format(ID),
    ],
)
def test_gymnasium_finds_the_tasks(code: str) -> None:
    light = "; assert 'mujoco' not in sys.modules and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", f"import sys; {code}{light}"], check=True)


def test_every_task_is_registered_for_both_engines() -> None:
    known = {env_id for env_id in gymnasium.registry if env_id.startswith("pi0bench/")}
    assert known == {STILL, *(env_id for name in task_ids() for env_id in env_ids(task(name)))}


def test_all_ids_of_a_task_make_the_same_environment(task_id: str, engine: str) -> None:
    ids = env_ids(task(task_id))
    assert ids[f"pi0bench/{task_id}-{engine}-v1"] == {"task": task_id, "engine": engine}
    assert all(gymnasium.spec(env_id).kwargs == keywords for env_id, keywords in ids.items())


def test_a_spec_says_how_long_an_episode_is_and_what_is_enough(task_id: str) -> None:
    for env_id in env_ids(task(task_id)):
        spec = gymnasium.spec(env_id)
        assert (spec.version, spec.reward_threshold) == (task(task_id).version, 1.0)
        assert spec.max_episode_steps == round(20 * task(task_id).max_s)


@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        ({}, 120),
        ({"control_hz": 10}, 60),
        ({"control_hz": 50}, 300),
        ({"control_hz": 50, "max_episode_steps": 7}, 7),
        ({"control_hz": 50, "max_episode_steps": -1}, None),
    ],
)
def test_the_time_limit_is_the_same_time_at_every_rate(
    asked: dict[str, int], limit: int | None
) -> None:
    env = gymnasium.make(ID, obs_mode="state", **asked)  # pyright: ignore[reportArgumentType]
    assert env.spec is not None
    assert env.spec.max_episode_steps == limit
    again = gymnasium.make(env.spec)
    assert again.spec is not None
    assert again.spec.max_episode_steps == limit
    env.close()
    again.close()


def test_a_file_of_others_that_is_wrong_keeps_no_task_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "tasks" / "mine" / "wrong.toml"
    wrong.parent.mkdir(parents=True)
    wrong.write_text("version = 1\n", "utf-8")
    monkeypatch.setenv("PI0BENCH_CONTENT", str(tmp_path))
    with pytest.raises(UsageError):
        task("wrong")
    monkeypatch.setattr(gymnasium, "registry", {})
    monkeypatch.setattr("gymnasium.envs.registration.registry", gymnasium.registry)
    with pytest.warns(UserWarning, match="not registered with Gymnasium: .*wrong.toml"):
        register()
    assert registration.STILL in gymnasium.registry
    assert ID in gymnasium.registry


def test_a_task_of_ones_own_is_made_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PI0BENCH_CONTENT", "")
    monkeypatch.setattr(gymnasium, "registry", dict(gymnasium.registry))
    monkeypatch.setattr("gymnasium.envs.registration.registry", gymnasium.registry)
    mine = tmp_path / "tasks" / "mine" / "my_reach.toml"
    mine.parent.mkdir(parents=True)
    shutil.copy(folder("tasks") / "tabletop" / "reach_cube.toml", mine)
    with pytest.raises(UsageError, match="my_reach"):
        pi0bench.make("my_reach", obs_mode="state")
    env = pi0bench.make("my_reach", content=[tmp_path], obs_mode="state")
    assert env.spec is not None
    assert env.spec.id == "pi0bench/my_reach-v1"
    env.close()
