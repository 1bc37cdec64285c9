"""The suite "dynamic": how things move, and what it takes to follow them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import pytest

from pi0bench.envs.cameras import picture
from pi0bench.random_streams import stream
from pi0bench.task.expert import grasping, motion, moving_things
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import suite, task

MOVING = [("cube_off_the_belt", "cube", "belt"), ("cube_on_moving_plate", "plate", "plate")]
ENGINES = ("mujoco", "pybullet")
DELAY = 4  # control steps, 0.2 s
REST = np.array([0, 0, 0, 0, 0, 0, 1.0])
Policy = Callable[[Tabletop], np.ndarray]


def begun(task_id: str, engine: str, number: int) -> Tabletop:
    spec = task(task_id)
    return Tabletop(spec, place(spec, stream("development", 1, spec.id, number)), engine)


def successes(task_id: str, engine: str, count: int, make: Callable[[], Policy]) -> int:
    done = 0
    for number in range(count):
        env, policy = begun(task_id, engine, number), make()
        while not env.over:
            env.step(policy(env))
        done += env.succeeded
        env.close()
    return done


def path_m(task_id: str, thing: str, engine: str, number: int) -> np.ndarray:
    """Where the thing is after each of 60 control steps in which nothing is done, (60, 3)."""
    env = begun(task_id, engine, number)
    found = []
    for _ in range(60):
        env.step(REST)
        found.append(env.world.pose(thing).pos_m)
    env.close()
    return np.array(found)


@pytest.mark.parametrize(("task_id", "thing", "driven"), MOVING)
def test_motion_follows_from_step_and_seed_alone_in_either_engine(
    task_id: str, thing: str, driven: str
) -> None:
    for number in range(3):
        paths = [path_m(task_id, thing, engine, number) for engine in ENGINES]
        assert np.abs(paths[0] - paths[1]).max() < 0.001
        env = begun(task_id, "mujoco", number)
        speed_m_s = env.world.scene.body(driven).speed_m_s
        env.close()
        assert 0.03 <= abs(speed_m_s) <= 0.10
        steps_s = np.arange(60)[:, None] / 20
        there = paths[0][0] + steps_s * [0, speed_m_s, 0]
        assert np.abs(paths[0] - there).max() < 0.001


@pytest.mark.parametrize(("task_id", "thing", "driven"), MOVING)
def test_things_move_either_way(task_id: str, thing: str, driven: str) -> None:
    spec = task(task_id)
    speeds = []
    for number in range(40):
        layout = place(spec, stream("development", 1, spec.id, number))
        body = next(body for body in layout.bodies if body.name == driven)
        at = next(body for body in layout.bodies if body.name == thing)
        y = at.link_poses(at.pose, at.joints_at)[at.frame_link].pos_m[1]
        assert np.sign(y) == -np.sign(body.speed_m_s)  # it comes from the side that it leaves
        speeds.append(body.speed_m_s)
    assert 10 < sum(speed > 0 for speed in speeds) < 30


def test_the_belt_is_seen_to_run_as_fast_as_what_it_carries() -> None:
    env = begun("cube_off_the_belt", "mujoco", 0)
    scene, pitch_m = env.world.scene, 0.08

    def seen() -> tuple[np.ndarray, float]:
        at = picture(scene, env.snapshot())
        stripes = [i for i, geom in enumerate(at.geoms) if geom.size_m == (0.07, 0.012, 0.0005)]
        return np.sort(at.pos_m[stripes, 1]), float(env.world.pose("cube").pos_m[1])

    (stripes, cube), moved = seen(), 0.0
    for _ in range(40):
        env.step(REST)
        later, cube_later = seen()
        assert np.allclose(np.diff(later), pitch_m)
        ran = (later[0] - stripes[0] + pitch_m / 2) % pitch_m - pitch_m / 2
        assert ran == pytest.approx(cube_later - cube, abs=3e-4)
        stripes, cube, moved = later, cube_later, moved + ran
    assert abs(moved) > pitch_m  # so they came round
    env.close()


def test_a_belt_looks_the_same_after_its_range() -> None:
    env = begun("cube_off_the_belt", "mujoco", 0)
    belt = env.world.scene.body("belt").joints[0]
    env.close()
    assert belt.run(0.0) == pytest.approx(0.0)
    assert belt.run(0.03) == pytest.approx(0.03)
    assert belt.run(0.05) == pytest.approx(-0.03)
    assert belt.run(-0.17) == pytest.approx(-0.01)


def expert() -> Policy:
    return Tabletop.expert_action


def late() -> Policy:
    """The expert, whose every action is applied four control steps late."""
    waiting: deque[np.ndarray] = deque()

    def policy(env: Tabletop) -> np.ndarray:
        waiting.append(env.expert_action())
        return waiting.popleft() if len(waiting) > DELAY else REST

    return policy


@pytest.mark.slow
@pytest.mark.parametrize("task_id", [spec.id for spec in suite("dynamic")])
def test_a_late_expert_that_goes_gently_succeeds(
    task_id: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop that is four steps late swings up, moving or not, unless its gain is below 0.35."""
    monkeypatch.setattr(motion, "_GAIN", 0.2)
    assert successes(task_id, engine, 50, late) >= 45


@pytest.mark.slow
@pytest.mark.parametrize(("task_id", "thing", "driven"), MOVING)
def test_an_expert_that_takes_the_moving_for_still_fails(
    task_id: str, thing: str, driven: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (grasping, moving_things):
        monkeypatch.setattr(module, "along_m_s", lambda world, item: np.zeros(3))
    assert successes(task_id, engine, 50, expert) <= 37


@pytest.mark.parametrize(("task_id", "thing", "driven"), MOVING)
def test_the_ends_are_out_of_reach(task_id: str, thing: str, driven: str) -> None:
    """So that nobody can wait there until the thing stands still."""
    env = begun(task_id, "mujoco", 0)
    for _ in range(400):
        env.step(REST)
    assert abs(env.world.pose(thing).pos_m[1]) > 0.43  # the tool's own end is at 0.40
    env.close()
