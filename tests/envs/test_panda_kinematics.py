from __future__ import annotations

import numpy as np
import pytest

from pi0bench.envs.panda_kinematics import (
    MAX_WIDTH_M,
    forward,
    inverse,
    inverse_all,
    jacobian,
    link_poses,
    panda,
    tool_frames,
)
from pi0bench.envs.pose import Pose, vector_of
from pi0bench.envs.scene import Scene
from pi0bench.task.tabletop_episode import make_world


def postures(count: int, margin: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(1)
    robot = panda()
    spread = (robot.high_rad - robot.low_rad) * (0.5 - margin)
    return (robot.high_rad + robot.low_rad) / 2 + rng.uniform(-1, 1, (count, 7)) * spread


def test_forward_kinematics_is_the_engines(engine: str) -> None:
    world = make_world(engine, Scene(panda().body, ()))
    worst_m = worst_rad = 0.0
    for number, q in enumerate(postures(100)):
        width = MAX_WIDTH_M * (number % 5) / 4
        world.set_arm(q, width)
        for name, expected in link_poses(q, width).items():
            found = world.pose(name)
            worst_m = max(worst_m, float(np.abs(found.pos_m - expected.pos_m).max()))
            worst_rad = max(worst_rad, float(np.abs(found.rot - expected.rot).max()))
        tool = world.pose("hand") @ panda().tcp
        worst_m = max(worst_m, float(np.abs(tool.pos_m - forward(q).pos_m).max()))
        assert world.arm().width_m == pytest.approx(width, abs=1e-9)
    world.close()
    assert worst_m <= 1e-6
    assert worst_rad <= 1e-6


def test_jacobian_is_the_derivative_of_forward_kinematics() -> None:
    step = 1e-6
    for q in postures(30):
        columns = []
        for joint in np.eye(7) * step:
            after, before = forward(q + joint), forward(q - joint)
            turned = vector_of(after.rot @ before.rot.T)
            columns.append(np.concatenate([after.pos_m - before.pos_m, turned]) / (2 * step))
        assert np.abs(jacobian(q) - np.stack(columns, axis=1)).max() < 1e-7


def test_inverse_kinematics_reaches_what_the_arm_can_reach() -> None:
    rng = np.random.default_rng(2)
    robot = panda()
    for _ in range(100):
        goal = forward(robot.home_rad + rng.uniform(-0.4, 0.4, 7))
        q = inverse(goal, robot.home_rad, iterations=60)
        reached = forward(q)
        assert np.linalg.norm(reached.pos_m - goal.pos_m) <= 1e-3, goal
        assert np.linalg.norm(vector_of(goal.rot @ reached.rot.T)) <= 1e-2, goal
        assert (q >= robot.low_rad).all()
        assert (q <= robot.high_rad).all()


def test_inverse_kinematics_follows_the_small_steps_of_control() -> None:
    rng = np.random.default_rng(3)
    q, pose = panda().home_rad, forward(panda().home_rad)
    for _ in range(300):
        step = rng.uniform(-0.03, 0.03, 3)
        pose = Pose(np.clip(pose.pos_m + step, [0.3, -0.3, 0.02], [0.7, 0.3, 0.4]), pose.rot)
        q = inverse(pose, q)
        assert np.linalg.norm(forward(q).pos_m - pose.pos_m) <= 1e-3


def test_what_is_out_of_reach_is_approached_within_the_joint_limits() -> None:
    robot = panda()
    q = inverse(Pose(np.array([3.0, 0, 0.5])), robot.home_rad, iterations=100)
    assert np.isfinite(q).all()
    assert (q >= robot.low_rad).all()
    assert (q <= robot.high_rad).all()


@pytest.mark.parametrize("iterations", [1, 3])
def test_other_arms_in_the_batch_change_no_bit(iterations: int) -> None:
    """Near the goal and far from it, in batches of every size and order."""
    rng = np.random.default_rng(4)
    q = postures(64)
    goals = [forward(each + rng.uniform(-1, 1, 7) * rng.choice([0.02, 1.0])) for each in q]
    pos_m, rot = (np.array([getattr(goal, part) for goal in goals]) for part in ("pos_m", "rot"))
    pairs = zip(goals, q, strict=True)
    alone = np.array([inverse(goal, each, iterations=iterations) for goal, each in pairs])
    tools = np.array([tool_frames(each[None])[0] for each in q])
    for count in range(1, 33):
        some = rng.permutation(len(q))[:count]
        found = inverse_all(pos_m[some], rot[some], q[some], iterations=iterations)
        assert found.tobytes() == alone[some].tobytes()
        assert tool_frames(q[some]).tobytes() == tools[some].tobytes()
