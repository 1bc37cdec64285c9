"""Plugs in sockets, cubes on a pillar, bars that stand, balls in cups: what counts and holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, panda
from pi0bench.envs.pose import Pose, from_rpy
from pi0bench.envs.scene import Scene
from pi0bench.envs.world_protocol import World
from pi0bench.random_streams import stream
from pi0bench.task import predicates
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop, make_world
from pi0bench.task.task_files import task

SLANTED = from_rpy((0.5, -0.2, 0.045), np.radians((35, 0, 20)))
PLACES = {
    "plug": from_rpy((0.6, 0.2, 0.04), (0, 0, 0)),
    "socket": from_rpy((0.5, 0.2, 0.0), (0, 0, 0.4)),
    "slanted_socket": SLANTED,
    "pillar": from_rpy((0.5, 0.0, 0.0), (0, 0, 0)),
    "cube": from_rpy((0.35, 0.0, 0.02), (0, 0, 0)),
    "bar": from_rpy((0.62, 0.0, 0.012), (np.pi / 2, 0, 0.3)),
}


@pytest.fixture
def world(engine: str) -> Iterator[World]:
    bodies = [content_models.instance(name, name, pose) for name, pose in PLACES.items()]
    made = make_world(engine, Scene(panda().body, (content_models.table(), *bodies)))
    made.set_arm(panda().home_rad, MAX_WIDTH_M)
    yield made
    made.close()


def put(world: World, socket: str, x_m: float, depth_m: float, yaw_deg: float) -> None:
    """Put the plug so deep in the socket, so far off its axis and so far turned in it."""
    height = world.scene.body(socket).top_m - depth_m + world.scene.body("plug").bottom_m
    inside = from_rpy((x_m, 0.0, height), (0, 0, np.radians(yaw_deg)))
    world.set_pose("plug", world.pose(socket) @ inside)


@pytest.mark.parametrize("socket", ["socket", "slanted_socket"])
@pytest.mark.parametrize(
    ("x_m", "depth_m", "yaw_deg", "truth"),
    [
        (0.0, 0.020, 0, True),
        (0.0, 0.020, 180, True),
        (0.0005, 0.013, 1, True),
        (0.0, 0.011, 0, False),
        (0.009, 0.020, 0, False),
    ],
)
def test_a_plug_counts_when_it_is_deep_and_straight(
    world: World, socket: str, x_m: float, depth_m: float, yaw_deg: float, truth: bool
) -> None:
    put(world, socket, x_m, depth_m, yaw_deg)
    assert predicates.inserted(world, "plug", socket) is truth


def test_a_plug_that_is_let_go_over_its_socket_falls_in_only_if_it_is_turned_right(
    world: World,
) -> None:
    found = []
    for yaw_deg in (0, 20):
        put(world, "socket", 0.0, -0.001, yaw_deg)
        world.step(300)
        found.append(predicates.inserted(world, "plug", "socket"))
    assert found == [True, False]


@pytest.mark.parametrize(("off_m", "stays"), [(0.0, True), (0.005, True), (0.009, False)])
def test_a_pillar_forgives_less_than_eight_millimetres(
    world: World, off_m: float, stays: bool
) -> None:
    for way in range(4):
        angle = way * np.pi / 2
        x, y = off_m * np.cos(angle), off_m * np.sin(angle)
        height = world.scene.body("pillar").top_m + 0.0205
        world.set_pose("cube", world.pose("pillar") @ Pose(np.array([x, y, height])))
        world.step(500)
        assert predicates.on(world, "cube", "pillar") is stays


def test_a_bar_stands_on_either_end_and_not_on_its_side(world: World) -> None:
    found = []
    for roll, height in ((np.pi / 2, 0.012), (0.0, 0.060), (np.pi, 0.060), (0.0, 0.070)):
        world.set_pose("bar", from_rpy((0.6, 0.0, height), (roll, 0, 0.3)))
        found.append(predicates.upright(world, "bar"))
    assert found == [False, True, True, False]


def test_a_cup_that_is_dropped_in_the_bowl_with_its_ball_is_not_poured(engine: str) -> None:
    spec = task("pour_ball")
    env = Tabletop(spec, place(spec, stream("development", 0, spec.id, 0)), engine)
    x, y, _ = env.world.pose("bowl").pos_m
    env.world.set_pose("cup", Pose(np.array([x, y, 0.062])))
    env.world.set_pose("ball", Pose(np.array([x, y, 0.026])))
    env.world.step(25)
    assert predicates.inside(env.world, "ball", "bowl")
    assert not env.goal()
    env.close()


@pytest.mark.parametrize("task_id", ["plug_in_slanted_socket", "pour_ball", "stand_the_bar"])
def test_the_hand_turns_away_from_straight_down(task_id: str) -> None:
    spec, steepest = task(task_id), 0.0
    env = Tabletop(spec, place(spec, stream("development", 0, spec.id, 0)), "mujoco")
    while not env.over:
        env.step(env.expert_action())
        steepest = max(steepest, float(np.arccos(np.clip(-env.controller.goal.rot[2, 2], -1, 1))))
    env.close()
    assert np.degrees(steepest) > (18 if task_id == "plug_in_slanted_socket" else 85)
