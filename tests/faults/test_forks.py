"""Forks, threads, copies and forgotten environments: right physics, no waiting, no memory kept."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from pi0bench.envs.render.choose_renderer import choose, make
from pi0bench.evaluate.bench.overhead import _resident
from pi0bench.random_streams import stream
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task

NAMES = ("cube_in_bowl", "open_drawer", "past_the_wall")
ID = "pi0bench/reach_cube-v1"
COPIES: list[Callable[[Any], Any]] = [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]


def played(name: str) -> bytes:
    """Where everything is after some steps of the expert in PyBullet."""
    spec = task(name)
    env = Tabletop(spec, place(spec, stream("evaluation", 0, name, 0)), "pybullet")
    for _ in range(15):
        env.step(env.expert_action())
    poses = [env.world.pose(body.name).pos_m for body in env.world.scene.bodies]
    env.close()
    return np.array(poses).tobytes()


@pytest.fixture(scope="module")
def alone() -> dict[str, bytes]:
    return {name: played(name) for name in NAMES}


FORKED = """
import multiprocessing, sys
from tests.faults.test_forks import NAMES, played
if __name__ == "__main__":
    start = played("reach_cube")
    with multiprocessing.get_context("fork").Pool(3) as pool:
        found = pool.map(played, NAMES * 3, chunksize=1)
    assert played("reach_cube") == start
    sys.stdout.buffer.write(b"|".join(text.hex().encode() for text in found))
"""


def outcome(code: str, checkout: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *args],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        timeout=240,
    )


def test_forked_processes_load_their_own_bodies(alone: dict[str, bytes], checkout: Path) -> None:
    done = outcome(FORKED, checkout)
    assert done.returncode == 0, done.stderr
    assert [bytes.fromhex(text) for text in done.stdout.split("|")] == [*alone.values()] * 3


def test_threads_load_their_own_bodies_and_leave_the_process_its_voice(
    alone: dict[str, bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    found: dict[int, bytes] = {}

    def play(number: int) -> None:
        found[number] = played(NAMES[number % 3])

    threads = [threading.Thread(target=play, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(6)] == [*alone.values()] * 2
    os.write(1, b"out")
    os.write(2, b"err")
    assert capfd.readouterr() == ("out", "err")


def test_a_world_says_nothing_and_needs_no_stderr(checkout: Path) -> None:
    code = "from tests.faults.test_forks import played; played('reach_cube')"
    done = outcome(code, checkout)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    shut = f"import os; os.close(2); {code}"
    assert outcome(shut, checkout).returncode == 0


ASYNC = f"""
import sys, gymnasium, pi0bench
keywords = dict(obs_mode="rgb", image_side=16)
env = gymnasium.make("{ID}", **keywords)
env.reset(seed=0)
how = {{"context": sys.argv[1]}}
envs = gymnasium.make_vec(
    "{ID}", num_envs=2, vectorization_mode="async", vector_kwargs=how, **keywords
)
seen, _ = envs.reset(seed=0)
assert seen["front"].shape == (2, 16, 16, 3) and seen["front"].std() > 10
envs.close()
env.reset(seed=1)
"""


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_a_fork_after_a_picture_does_not_wait_for_ever(context: str, checkout: Path) -> None:
    done = outcome(ASYNC, checkout, context)
    assert done.returncode == 0, done.stderr
    warned = "OpenGL does not survive a fork" in done.stderr
    assert warned is (context == "fork" and choose("auto", "mujoco")[0] == "gl")


def test_an_environment_of_pybullet_refuses_to_be_copied() -> None:
    env = gymnasium.make(ID, engine="pybullet", obs_mode="state")
    env.reset(seed=0)
    for copied in COPIES:
        with pytest.raises(TypeError, match="a PyBullet world can be neither copied nor pickled"):
            copied(env)
    assert np.isfinite(env.step(np.zeros(7, np.float32))[0]["proprio"]).all()
    env.close()


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("obs_mode", ["rgb", "state"])
def test_a_copy_of_an_environment_of_mujoco_goes_its_own_way(
    obs_mode: str, copied: Callable[[Any], Any]
) -> None:
    if choose("auto", "mujoco")[0] != "gl":
        pytest.skip("this machine has no OpenGL")
    env = gymnasium.make(ID, obs_mode=obs_mode, image_side=16)
    env.reset(seed=0)
    other = copied(env)
    before = other.unwrapped.tabletop.proprio()
    up = np.array([0, 0, 1, 0, 0, 0, 1], np.float32)
    ends = [[env.step(up) for _ in range(5)][-1]]
    assert np.array_equal(other.unwrapped.tabletop.proprio(), before)
    ends += [[other.step(up) for _ in range(5)][-1]]
    assert all(np.array_equal(ends[0][0][key], ends[1][0][key]) for key in ends[0][0])


def test_forgotten_environments_keep_no_memory(engine: str) -> None:
    def look() -> None:
        gymnasium.make(ID, engine=engine, image_side=16).reset(seed=0)

    look()
    before = _resident()
    for _ in range(20):
        look()
    assert (_resident() - before) / 2**20 < 60  # each has some 20 MB while it lives


def test_a_renderer_that_is_closed_leaves_the_others_theirs(make_env: Any) -> None:
    env = make_env("cube_in_bowl", "mujoco")
    for name in {"tiny", choose("auto", "mujoco")[0]}:
        one, other = make(name), make(name)
        before = env.images(one, 32)
        env.images(other, 32)
        other.close()
        after = env.images(one, 32)
        assert all(np.array_equal(before[camera], after[camera]) for camera in before)
        one.close()
