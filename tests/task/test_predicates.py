from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, forward, panda
from pi0bench.envs.pose import Pose, from_rpy
from pi0bench.envs.scene import Scene
from pi0bench.envs.world_protocol import World
from pi0bench.task.call_parser import parse
from pi0bench.task.predicates import PREDICATES
from pi0bench.task.tabletop_episode import make_world

AT = {
    "cube": (0.5, 0.0, 0.02),
    "other": (0.5, -0.2, 0.02),
    "bowl": (0.5, 0.2, 0.0),
    "wall": (0.6, 0.1, 0.0),
}


@pytest.fixture(scope="module", params=["mujoco", "pybullet"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    of = {"other": "cube"}
    bodies = [
        content_models.instance(n, of.get(n, n), Pose(np.array(pos))) for n, pos in AT.items()
    ]
    made = make_world(request.param, Scene(panda().body, (content_models.table(), *bodies)))
    made.set_arm(panda().home_rad, MAX_WIDTH_M)
    yield made
    made.close()


TOOL = tuple(forward(panda().home_rad).pos_m)


@pytest.mark.parametrize(
    ("call", "cube_m", "truth"),
    [
        ("on(cube, other)", (0.5, -0.2, 0.06), True),
        ("on(cube, other)", (0.515, -0.2, 0.06), True),
        ("on(cube, other)", (0.525, -0.2, 0.06), False),
        ("on(cube, other)", (0.5, -0.2, 0.07), False),
        ("on(cube, other)", (0.5, -0.2, 0.05), False),
        ("on(cube, other)", (0.5, 0.0, 0.02), False),
        ("on(cube, other, slack_m=0.02)", (0.5, -0.2, 0.07), True),
        ("on(other, cube)", (0.5, -0.2, 0.06), False),
        ("above(cube, other)", (0.5, -0.2, 0.06), True),
        ("above(cube, other)", (0.5, -0.2, 0.20), True),
        ("above(cube, other)", (0.54, -0.2, 0.20), False),
        ("above(cube, other)", (0.5, -0.2, 0.03), False),
        ("inside(cube, bowl)", (0.5, 0.2, 0.03), True),
        ("inside(cube, bowl)", (0.53, 0.2, 0.03), True),
        ("inside(cube, bowl)", (0.5, 0.2, 0.06), False),
        ("inside(cube, bowl)", (0.56, 0.2, 0.03), False),
        ("beyond(cube, wall)", (0.61, 0.0, 0.02), True),
        ("beyond(cube, wall)", (0.59, 0.0, 0.02), False),
        ("near(cube)", (TOOL[0] + 0.04, TOOL[1], TOOL[2]), True),
        ("near(cube)", (TOOL[0] + 0.06, TOOL[1], TOOL[2]), False),
        ("near(cube, reach_m=0.1)", (TOOL[0] + 0.06, TOOL[1], TOOL[2]), True),
    ],
)
def test_a_predicate_says_the_same_of_both_engines(
    world: World, call: str, cube_m: tuple[float, float, float], truth: bool
) -> None:
    for yaw in (0.0, 0.5):
        world.set_pose("cube", from_rpy(cube_m, (0, 0, yaw)))
        assert parse(call).run(PREDICATES, world) is truth


@pytest.mark.parametrize("engine", ["mujoco", "pybullet"])
def test_fingers_touch_hold_and_release(engine: str) -> None:
    tool = forward(panda().home_rad)
    cube = content_models.instance("cube", "cube", tool)
    world = make_world(engine, Scene(panda().body, (cube,)))
    world.set_arm(panda().home_rad, 0.044)
    truths = []
    for width in (0.044, 0.0, MAX_WIDTH_M):
        world.set_arm_target(panda().home_rad, width)
        world.step(1 if width == 0.044 else 100)
        calls = ("touching(cube)", "held(cube)", "released(cube)")
        truths.append([parse(call).run(PREDICATES, world) for call in calls])
    world.close()
    assert truths == [[False, False, True], [True, True, False], [False, False, True]]
