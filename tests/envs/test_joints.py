"""Objects with a joint: drawers that stay where they are left, and buttons that spring back."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.panda_kinematics import FINGERS
from pi0bench.envs.physics.mujoco import MujocoWorld
from pi0bench.envs.physics.pybullet import PybulletWorld
from pi0bench.envs.pose import Pose, from_quat, from_rpy
from pi0bench.envs.scene import Interior
from pi0bench.envs.world_protocol import World
from pi0bench.task.tabletop_episode import Tabletop
from tests.worlds import MakeEnv

JOINTED = ("open_drawer", "cube_in_drawer", "press_button")
SOFT_STOP_M = 1.0e-3  # how far the spring pushes a cap over its upper stop in MuJoCo
AWAY = np.array([0, 0, 1, 0, 0, 0, -1.0])


def joints(world: World) -> dict[str, float]:
    return {body.name: world.joints(body.name)[0] for body in world.scene.bodies if body.joints}


def drawer_pose(world: World) -> Pose:
    """The engine's own pose of the cabinet's drawer."""
    if isinstance(world, MujocoWorld):
        body = world._data.body("cabinet.drawer")
        return Pose(body.xpos, body.xmat.reshape(3, 3))
    assert isinstance(world, PybulletWorld)
    index, number = world._bodies["cabinet"].index, world._bodies["cabinet"].joints[0][0]
    state = world._client.getLinkState(index, number, computeForwardKinematics=True)
    x, y, z, w = state[5]
    return from_quat(state[4], (w, x, y, z))


def pushed_down(env: Tabletop) -> None:
    """Let the expert press its button."""
    while not env.succeeded:
        assert env.steps < env.max_steps
        env.step(env.expert_action())


@pytest.mark.parametrize("task_id", JOINTED)
def test_a_joint_starts_where_the_layout_says(task_id: str, engine: str, make_env: MakeEnv) -> None:
    for seed in range(3):
        env = make_env(task_id, engine, seed)
        for body in env.layout.bodies:
            if body.joints:
                assert env.world.joints(body.name)[0] == pytest.approx(body.joints_at[0], abs=1e-3)


def test_a_joint_that_was_put_somewhere_is_there(engine: str, make_env: MakeEnv) -> None:
    world = make_env("press_button", engine).world
    for number, name in enumerate(("target", "other", "another")):
        world.set_joints(name, [-0.003 * number])
    at = [world.joints(name)[0] for name in ("target", "other", "another")]
    assert at == pytest.approx([0.0, -0.003, -0.006], abs=1e-9)


def test_links_are_where_the_engine_has_them(engine: str, make_env: MakeEnv) -> None:
    world = make_env("open_drawer", engine).world
    body = world.scene.body("cabinet")
    for at in (0.0, 0.05, 0.12):
        for root in (body.pose, from_rpy((0.5, -0.1, 0.4), (0.1, -0.2, 0.7))):
            world.set_pose("cabinet", root)
            world.set_joints("cabinet", [at])
            ours, theirs = body.link_poses(root, [at]), drawer_pose(world)
            assert np.abs(ours["drawer"].pos_m - theirs.pos_m).max() < 1e-6
            assert np.abs(ours["drawer"].rot - theirs.rot).max() < 1e-6
            assert np.abs(ours["shell"].pos_m - world.pose("cabinet").pos_m).max() < 1e-6
            assert np.abs(ours["shell"].rot - world.pose("cabinet").rot).max() < 1e-6


def test_a_cube_on_either_link_touches_the_object(engine: str, make_env: MakeEnv) -> None:
    world = make_env("cube_in_drawer", engine).world
    cabinet, cube = world.scene.body("cabinet"), world.scene.body("cube")
    world.step(1)
    assert not world.contact("cube", "cabinet")
    world.set_joints("cabinet", [0.12])
    links = cabinet.link_poses(world.pose("cabinet"), [0.12])
    tray = links["drawer"] @ Pose(np.array([0.05, 0, 0.012 + cube.bottom_m]))
    roof = links["shell"] @ Pose(np.array([0.08, 0, cabinet.top_m + cube.bottom_m]))
    for pose in (tray, roof):
        world.set_pose("cube", pose)
        world.step(100)
        assert world.contact("cube", "cabinet")
        assert world.contact("cabinet", "cube")
        assert not world.contact("cube", "table")


def tilted(world: World, degrees: float) -> float:
    """Where the drawer is after half a second in the free air, its front that much down."""
    world.set_pose("cabinet", from_rpy((0.5, 0.8, 0.6), (0, -np.radians(degrees), 0)))
    world.set_joints("cabinet", [0.05])
    world.step(250)
    return world.joints("cabinet")[0]


def test_dry_friction_holds_a_drawer_and_a_steep_slope_does_not(
    engine: str, make_env: MakeEnv
) -> None:
    """The friction is 1.5 N; the drawer's weight pulls with 1.0 N at 15 degrees, 2.0 N at 30."""
    world = make_env("open_drawer", engine).world
    assert tilted(world, 0) == pytest.approx(0.05, abs=2e-4)
    assert tilted(world, 15) == pytest.approx(0.05, abs=2e-3)
    assert tilted(world, -15) == pytest.approx(0.05, abs=2e-3)
    assert tilted(world, 30) > 0.08
    assert tilted(world, -30) < 0.02


def test_a_drawer_stays_where_the_hand_left_it(engine: str, make_env: MakeEnv) -> None:
    env = make_env("open_drawer", engine)
    while env.world.joints("cabinet")[0] < 0.05:
        assert env.steps < env.max_steps
        env.step(env.expert_action())
    back = np.array([0.3, 0, 0, 0, 0, 0, -1.0])  # off the bar, then up
    for action in [back] * 2 + [AWAY] * 8:
        env.step(action)
    left = env.world.joints("cabinet")[0]
    assert not any(env.world.contact("cabinet", finger) for finger in FINGERS)
    env.world.step(500)
    assert left > 0.03
    assert env.world.joints("cabinet")[0] == pytest.approx(left, abs=5e-4)


def test_a_button_stays_down_while_pressed_and_springs_back(engine: str, make_env: MakeEnv) -> None:
    env = make_env("press_button", engine)
    pushed_down(env)
    for _ in range(10):
        env.step(env.expert_action())
        assert env.world.joints("target")[0] < -0.006
    for _ in range(10):
        env.step(AWAY)
    assert joints(env.world) == pytest.approx(
        dict.fromkeys(joints(env.world), 0.0), abs=SOFT_STOP_M
    )


def test_a_button_that_nothing_holds_does_not_stay_down(engine: str, make_env: MakeEnv) -> None:
    world = make_env("press_button", engine).world
    world.set_joints("target", [-0.010])
    assert world.joints("target")[0] == pytest.approx(-0.010, abs=1e-9)
    world.step(100)
    assert world.joints("target")[0] == pytest.approx(0.0, abs=SOFT_STOP_M)


@pytest.mark.parametrize("task_id", JOINTED)
def test_no_joint_moves_by_itself(task_id: str, engine: str, make_env: MakeEnv) -> None:
    world = make_env(task_id, engine).world
    before = joints(world)
    assert before
    world.step(500)
    assert joints(world) == pytest.approx(before, abs=1e-3)


def trace(env: Tabletop, steps: int = 40) -> bytes:
    """Every joint and pose along the expert's episode, to the last bit."""
    seen = []
    for _ in range(steps):
        env.step(env.expert_action())
        seen += [env.world.arm().q_rad, np.array(list(joints(env.world).values()))]
        seen += [env.world.pose(body.name).pos_m for body in env.world.scene.bodies]
    return np.concatenate(seen).tobytes()


@pytest.mark.parametrize("task_id", ["open_drawer", "press_button"])
def test_equal_seeds_give_equal_joints_to_the_last_bit(
    task_id: str, engine: str, make_env: MakeEnv
) -> None:
    first, again, other = (trace(make_env(task_id, engine, seed)) for seed in (2, 2, 3))
    assert first == again
    assert first != other


def test_a_snapshot_brings_the_joints_back(engine: str, make_env: MakeEnv) -> None:
    env = make_env("press_button", engine)
    pushed_down(env)
    state, down = env.world.state(), env.world.joints("target")[0]

    def release() -> list[float]:
        env.world.set_arm_target(env.world.arm().q_rad - [0, 0.2, 0, 0, 0, 0, 0], 0.0)
        path = []
        for _ in range(20):
            env.world.step(5)
            path.append(env.world.joints("target")[0])
        return path

    first = release()
    assert first[-1] > down + 0.004
    env.world.set_state(state)
    assert env.world.joints("target")[0] == down
    assert release() == first


def inside(room: Interior, link: Pose, *point_m: float) -> bool:
    """Whether the room holds a point that is given in the frame of its middle."""
    middle = link @ room.space.pose
    return room.holds(link, middle.pos_m + middle.rot @ np.array(point_m))


@pytest.mark.parametrize("link", [Pose(), from_rpy((0.5, -0.2, 0.1), (0.3, -0.4, 2.0))])
def test_a_room_holds_what_is_in_it(link: Pose) -> None:
    box, round_ = content_models.model("cabinet").interior, content_models.model("bowl").interior
    assert box is not None
    assert round_ is not None
    x, y, z = box.space.size_m
    for sign in (-1, 1):
        assert inside(box, link, sign * 0.99 * x, 0.99 * y, sign * 0.99 * z)
        assert not inside(box, link, sign * 1.01 * x, 0, 0)
        assert not inside(box, link, 0, sign * 1.01 * y, 0)
        assert not inside(box, link, 0, 0, sign * 1.01 * z)
    radius, half = round_.space.size_m
    for angle in np.linspace(0, 2 * np.pi, 9):
        beside = radius * np.array([np.cos(angle), np.sin(angle)])
        assert inside(round_, link, *(0.99 * beside), 0.99 * half)
        assert not inside(round_, link, *(1.01 * beside), 0)
        assert not inside(round_, link, *(0.5 * beside), -1.01 * half)
