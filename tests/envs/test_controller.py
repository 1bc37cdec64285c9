from __future__ import annotations

import numpy as np
import pytest

from pi0bench.envs.controller import MAX_SPEED_M_S, Controller, aim
from pi0bench.envs.panda_kinematics import FINGERS, MAX_WIDTH_M, forward, panda
from pi0bench.envs.scene import Scene
from pi0bench.task.predicates import tcp_m
from pi0bench.task.tabletop_episode import make_world
from tests.worlds import MakeEnv

ENGINES = ("mujoco", "pybullet")


def step_response(engine: str, axis: int, sign: int) -> np.ndarray:
    """Displacement along the axis in the control steps after one step of the command, relative."""
    world = make_world(engine, Scene(panda().body, ()))
    world.set_arm(panda().home_rad, MAX_WIDTH_M)
    world.step(500)
    controller = Controller(world)
    controller.act(np.zeros(7))
    start = tcp_m(world)
    action = np.zeros(7)
    action[axis] = sign
    moved = []
    for number in range(8):
        controller.act(action if number == 0 else np.zeros(7))
        moved.append((tcp_m(world) - start)[axis] * sign * 20 / MAX_SPEED_M_S)
    world.close()
    return np.array(moved)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [-1, 1])
def test_both_engines_answer_a_step_alike(axis: int, sign: int) -> None:
    """On average over the next steps, and at each of them from the third on."""
    one, other = (step_response(engine, axis, sign) for engine in ENGINES)
    assert abs(one.mean() - other.mean()) <= 0.05
    assert np.abs(one - other)[2:].max() <= 0.05
    assert one[-1] == pytest.approx(1, abs=0.01)
    assert other[-1] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_both_engines_answer_a_step_alike_from_the_first_step_on(axis: int) -> None:
    one, other = (step_response(engine, axis, 1) for engine in ENGINES)
    assert np.abs(one - other).max() <= 0.05


@pytest.mark.parametrize("control_hz", [10, 20, 50])
def test_the_rate_of_control_does_not_change_the_speed(engine: str, control_hz: int) -> None:
    world = make_world(engine, Scene(panda().body, ()))
    world.set_arm(panda().home_rad, MAX_WIDTH_M)
    controller = Controller(world, control_hz)
    start = tcp_m(world)
    for number in range(control_hz):
        speed = 0.25 if number < control_hz // 2 else 0.0
        controller.act(np.array([0, speed, 0, 0, 0, 0, 1.0]))
    moved = tcp_m(world) - start
    world.close()
    assert moved[1] == pytest.approx(0.25 * MAX_SPEED_M_S / 2, abs=0.001)
    assert np.abs(moved[[0, 2]]).max() < 0.003


def test_a_rate_that_does_not_divide_the_physics_is_refused(engine: str) -> None:
    world = make_world(engine, Scene(panda().body, ()))
    with pytest.raises(ValueError, match="control_hz must divide 500; got 30"):
        Controller(world, 30)
    world.close()


def test_an_action_beyond_one_is_clipped(engine: str, make_env: MakeEnv) -> None:
    wild, tame = make_env("reach_cube", engine), make_env("reach_cube", engine)
    wild.step(np.array([9.0, -9, 9, 0, 0, 9, 9]))
    tame.step(np.array([1.0, -1, 1, 0, 0, 1, 1]))
    assert np.array_equal(wild.world.arm().q_rad, tame.world.arm().q_rad)


def test_the_command_stays_in_the_workspace_and_near_the_tool(
    engine: str, make_env: MakeEnv
) -> None:
    env = make_env("reach_cube", engine)
    for action in ([1, 0, -1, 0, 0, 0, 1], [-1, 1, -1, 0, 0, 0, 1], [0, -1, 1, 0, 0, 0, 1]):
        for _ in range(40):
            before = tcp_m(env.world)
            env.step(np.array(action, float))
            goal = env.controller.goal.pos_m
            assert np.linalg.norm(goal - before) <= 0.05 + 1e-9
            assert -0.405 <= goal[1] <= 0.405  # the tool itself may overshoot by millimetres
            assert goal[2] >= -0.005


def test_the_gripper_opens_and_shuts(engine: str) -> None:
    world = make_world(engine, Scene(panda().body, ()))
    world.set_arm(panda().home_rad, MAX_WIDTH_M)
    controller = Controller(world)
    for grip, width in ((-1, 0.0), (0, MAX_WIDTH_M / 2), (1, MAX_WIDTH_M)):
        for _ in range(20):
            controller.act(np.array([0, 0, 0, 0, 0, 0, grip], float))
        assert world.arm().width_m == pytest.approx(width, abs=0.002)
        left, right = (world.pose(finger).pos_m for finger in FINGERS)
        centre = (left + right) / 2
        middle = world.pose("hand").pos_m
        assert np.linalg.norm((centre - middle)[:2]) < 0.002
    world.close()


def test_turning_moves_the_heading_and_not_the_tool(engine: str) -> None:
    world = make_world(engine, Scene(panda().body, ()))
    world.set_arm(panda().home_rad, MAX_WIDTH_M)
    controller = Controller(world)
    start = forward(world.arm().q_rad)
    for number in range(20):
        controller.act(np.array([0, 0, 0, 0, 0, 0.2 if number < 10 else 0, 1]))
    end = forward(world.arm().q_rad)
    world.close()
    assert np.angle(np.exp(1j * (end.yaw_rad() - start.yaw_rad()))) == pytest.approx(0.3, abs=0.02)
    assert np.linalg.norm(end.pos_m - start.pos_m) < 0.004


def test_robots_that_are_aimed_together_turn_as_they_would_alone(engine: str) -> None:
    """The same bits, whether they lag behind, are at a limit of their speed or have time."""
    rng = np.random.default_rng(5)
    world = make_world(engine, Scene(panda().body, ()))
    robots, alone = ([Controller(world) for _ in range(9)] for _ in range(2))
    for step in range(12):
        actions = rng.uniform(-1.5, 1.5, (9, 7)) * rng.choice([0.02, 1.0], (9, 1))
        if step == 6:
            world.set_arm(panda().home_rad + 0.1, MAX_WIDTH_M)
        together = aim(robots, actions)
        for robot, other, action, turn_rad in zip(robots, alone, actions, together, strict=True):
            assert aim([other], action[None]).tobytes() == turn_rad.tobytes()
            assert robot.goal.pos_m.tobytes() == other.goal.pos_m.tobytes()
            assert robot.goal.rot.tobytes() == other.goal.rot.tobytes()
    world.close()


def test_an_action_may_be_aimed_before(engine: str) -> None:
    action = np.array([0.5, -1.0, 0.2, 0, 0, 0.3, -1.0])
    reached = []
    for ahead in (False, True):
        world = make_world(engine, Scene(panda().body, ()))
        world.set_arm(panda().home_rad, MAX_WIDTH_M)
        controller = Controller(world)
        turn_rad = aim([controller], action[None])[0] if ahead else None
        controller.act(action, turn_rad)
        reached.append(world.arm().q_rad.tobytes())
        world.close()
    assert reached[0] == reached[1]
