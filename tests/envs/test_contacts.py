"""Contacts are stiff: nothing sinks in, what is held stays held, and all rests at its height."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.controller import MAX_SPEED_M_S, SHUT
from pi0bench.envs.panda_kinematics import FINGERS, forward
from pi0bench.envs.physics.mujoco import MujocoWorld
from pi0bench.envs.physics.pybullet import PybulletWorld
from pi0bench.envs.pose import Pose
from pi0bench.envs.world_protocol import World
from pi0bench.random_streams import stream
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task
from tests.envs.conftest import MakeBare
from tests.worlds import MakeEnv

SINKS_M = 1.0e-3
IMPACT_M = 1.1e-3
"""The deepest that one control step of an episode may show: the one in which things hit."""


def finger_depth_m(world: World) -> float:
    """How deep a finger is in anything, as the engine's own contacts say."""
    if isinstance(world, MujocoWorld):
        contacts = world._data.contact
        fingers = [world._names[name] for name in FINGERS]
        theirs = np.isin(world._model.geom_bodyid[contacts.geom], fingers).any(axis=1)
        return -float(contacts.dist[theirs].min(initial=0))
    assert isinstance(world, PybulletWorld)
    points = [
        point
        for finger in world._fingers
        for point in world._client.getContactPoints(bodyA=world._arm, linkIndexA=finger)
    ]
    return -min([0.0, *(point[8] for point in points)])


def depths_m(env: Tabletop) -> np.ndarray:
    """The fingers' depth after each control step of the expert's episode, the deepest last."""
    found = []
    while not env.over:
        env.step(env.expert_action())
        found.append(finger_depth_m(env.world))
    return np.sort(found)


@pytest.mark.parametrize("task_id", ["ring_on_tight_peg", "cube_in_drawer", "press_button"])
def test_fingers_do_not_sink_in(task_id: str, engine: str, make_env: MakeEnv) -> None:
    found = depths_m(make_env(task_id, engine))
    assert 0 < found[-1] < IMPACT_M
    assert found[-2] < SINKS_M


@pytest.mark.slow
def test_fingers_never_sink_in(task_id: str, engine: str) -> None:
    spec = task(task_id)
    for episode in range(10):
        env = Tabletop(spec, place(spec, stream("development", 1, task_id, episode)), engine)
        found = depths_m(env)
        env.close()
        assert found[-1] < IMPACT_M, episode
        assert found[-2] < SINKS_M, episode


def lifted(env: Tabletop, name: str) -> Tabletop:
    """The episode once the expert has lifted a thing by some centimetres."""
    low_m = env.world.pose(name).pos_m[2]
    while env.world.pose(name).pos_m[2] < low_m + 0.05:
        assert not env.over
        env.step(env.expert_action())
    for _ in range(5):
        env.step(np.array([0, 0, 0, 0, 0, 0, SHUT]))
    return env


def in_hand_m(world: World, name: str) -> np.ndarray:
    """Where a thing is in the tool's frame, (3,)."""
    return (forward(world.arm().q_rad).inverse() @ world.pose(name)).pos_m


HELD = [("stack_two_cubes", "top"), ("ring_on_tight_peg", "ring")]


@pytest.mark.parametrize(("task_id", "name"), HELD)
def test_what_is_held_does_not_creep(
    task_id: str, name: str, engine: str, make_env: MakeEnv
) -> None:
    env = lifted(make_env(task_id, engine), name)
    before = in_hand_m(env.world, name)
    for _ in range(5 * env.control_hz):
        env.controller.act(np.array([0, 0, 0, 0, 0, 0, SHUT]))
    assert np.linalg.norm(in_hand_m(env.world, name) - before) < 1e-3


@pytest.mark.parametrize("steps_each_way", [1, 5])
@pytest.mark.parametrize(("task_id", "name"), HELD)
def test_what_is_held_is_not_shaken_out(
    task_id: str, name: str, steps_each_way: int, engine: str, make_env: MakeEnv
) -> None:
    env = lifted(make_env(task_id, engine), name)
    before, slips_m = in_hand_m(env.world, name), []
    for number in range(4 * env.control_hz):
        way = 1 if number // steps_each_way % 2 else -1
        env.controller.act(np.array([0, way * 0.48 / MAX_SPEED_M_S, 0, 0, 0, 0, SHUT]))
        slips_m.append(np.linalg.norm(in_hand_m(env.world, name) - before))
    assert max(slips_m) < 3e-3


def test_what_presses_touches_though_a_hairs_breadth_apart(engine: str) -> None:
    spec = task("plug_in_either_socket")
    start = place(spec, stream("evaluation", 0, spec.id, 13))
    env = lifted(Tabletop(spec, start, engine), "plug")
    for _ in range(2 * env.control_hz):
        assert all(env.world.contact("plug", finger) for finger in FINGERS)
        env.step(np.array([0, 0, 0, 0, 0, 0, SHUT]))
    env.close()


@pytest.mark.parametrize(
    ("upper", "lower"), [("cube", "tight_peg"), ("cube", "can"), ("can", "table")]
)
def test_things_rest_at_their_height(
    upper: str, lower: str, engine: str, make_bare: MakeBare
) -> None:
    at = Pose(np.array([0.5, 0.3, 0.0]))
    bodies, top_m = [], 0.0
    if lower != "table":
        base = content_models.model(lower)
        below = content_models.instance(lower, lower, at @ Pose(np.array([0, 0, base.bottom_m])))
        bodies, top_m = [below], base.bottom_m + base.top_m
    height_m = top_m + content_models.model(upper).bottom_m
    start = at @ Pose(np.array([0, 0, height_m + 0.001]))
    world = make_bare(engine, *bodies, content_models.instance(upper, upper, start))
    world.step(500)
    assert world.pose(upper).pos_m[2] == pytest.approx(height_m, abs=1e-4)
