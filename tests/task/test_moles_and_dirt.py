"""Scripts of the suites "dynamic" and "contact": what counts, and what is seen of them."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.envs.cameras import picture
from pi0bench.envs.pose import Pose
from pi0bench.random_streams import stream
from pi0bench.task.expert.motion import View
from pi0bench.task.expert.pushing import press
from pi0bench.task.scripts.dirt import next_place_m
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task

REST = np.array([0, 0, 0, 0, 0, 0, -1.0])
BUTTONS = ("one", "two", "three")


def begun(task_id: str, engine: str, number: int = 0) -> Tabletop:
    spec = task(task_id)
    return Tabletop(spec, place(spec, stream("development", 1, spec.id, number)), engine)


def up(env: Tabletop) -> list[str]:
    return [name for name in BUTTONS if env.world.joints(name)[0] > 0]


def test_another_button_pops_up_each_time_and_goes_down_by_itself() -> None:
    env, seen = begun("whack_a_mole", "mujoco"), [""]
    for _ in range(400):
        env.step(REST)
        assert len(up(env)) <= 1
        if up(env) and up(env)[0] != seen[-1]:
            seen += up(env)
    assert len(seen) >= 5  # 20 s hold six of them
    assert not env.succeeded
    env.close()


def test_who_touches_a_button_that_is_down_has_lost(engine: str) -> None:
    env = begun("whack_a_mole", engine)
    while not up(env):
        env.step(REST)
    down = next(name for name in BUTTONS if name not in up(env))
    while not env.world.contact(down, "finger_left"):
        view = View(env.world, env.control_hz, env.controller.goal, env.script, 0.0)
        env.step(press(view, down))
    while not env.over:
        env.step(env.expert_action())
    assert not env.succeeded
    assert env.verdict.progress == 0
    env.close()


def cells(columns: int = 4, rows: int = 4) -> np.ndarray:
    """Middles of cells of a centimetre, row by row along x."""
    return np.array([(x, y, 0) for y in range(rows) for x in range(columns)]) / 100


def test_the_next_dirty_place_goes_to_and_fro_lane_by_lane() -> None:
    dirty, order = np.ones(16, bool), []
    while dirty.any():
        there = next_place_m(cells(), dirty, 0.02)
        order.append(np.round(there[:2] * 100, 3).tolist())
        dirty &= ~(
            (np.abs(cells()[:, 0] - there[0]) < 1e-6) & (np.abs(cells()[:, 1] - there[1]) < 0.01)
        )
    ways = [[0, 0.5], [1, 0.5], [2, 0.5], [3, 0.5], [3, 2.5], [2, 2.5], [1, 2.5], [0, 2.5]]
    assert order == ways


def test_what_is_wiped_is_not_seen_any_more_and_its_keypoint_is_dirty_still(engine: str) -> None:
    env = begun("wipe_the_patch", engine)
    scene = env.world.scene
    colour = scene.body("patch").links[0].geoms[0].rgba

    def dirty_m() -> np.ndarray:
        seen = picture(scene, env.snapshot())
        own = [i for i, geom in enumerate(seen.geoms) if geom.rgba == colour]
        return seen.pos_m[own][seen.pos_m[own, 2] > -1]

    assert len(dirty_m()) == 144
    before = 0.0
    while not env.over:
        told = env.script.keypoints_m(scene, env.world.pose, env.script.hidden())
        nearest = np.linalg.norm(dirty_m() - told["dirt"], axis=1).min()
        assert nearest < 0.025  # half a lane
        env.step(env.expert_action())
        assert env.verdict.progress >= before
        before = env.verdict.progress
    assert env.succeeded
    assert len(dirty_m()) == round((1 - before) * 144)
    env.close()


def test_a_clean_patch_has_no_dirt_to_be_found() -> None:
    env = begun("wipe_the_patch", "mujoco")
    clean = frozenset(("patch", cell) for cell in range(144))
    assert env.script.keypoints_m(env.world.scene, env.world.pose, clean) == {}
    one_left = clean - {("patch", 17)}
    found = env.script.keypoints_m(env.world.scene, lambda name: Pose(), one_left)
    assert found["dirt"][0] == pytest.approx(-0.005)  # the sixth of a row of twelve
    env.close()


def test_a_lifted_sponge_wipes_nothing() -> None:
    env = begun("wipe_the_patch", "mujoco")
    patch = env.world.pose("patch").pos_m
    env.world.set_pose("sponge", Pose(patch + np.array([0, 0, 0.05])))
    env.script.step(env.world)
    assert not env.script.hidden()
    env.world.set_pose("sponge", Pose(patch + np.array([0, 0, 0.016])))
    env.script.step(env.world)
    assert len(env.script.hidden()) >= 20  # of the 24 that it covers
    env.close()
