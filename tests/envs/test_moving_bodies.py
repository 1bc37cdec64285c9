"""What moves by itself: known answers, in both engines, and both alike."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.physics.mujoco import MujocoWorld
from pi0bench.envs.physics.pybullet import PybulletWorld
from pi0bench.envs.pose import Pose, from_quat, from_rpy
from pi0bench.envs.scene import Body, Drive, Geom, Joint, Link
from pi0bench.envs.world_protocol import PHYSICS_HZ, World
from tests.envs.conftest import MakeBare

G = 9.81
SPEED_M_S = 0.1
RAIL_M = np.array([0.0, 1.0, 0.5])  # in the free air, beside the table
TOP_M = 0.022  # of the plate, above its rail's frame; 2 mm of air are under it
LOADED = Pose(RAIL_M + np.array([0, -0.2, TOP_M + 0.02]))  # a cube on the plate
ENGINES = ("mujoco", "pybullet")
DRIVES = [drive for drive in get_args(Drive) if drive]


def driven(drive: Drive) -> Body:
    """A plate that slides along y over its rail."""
    rail = Link("rail", (Geom("box", (0.08, 0.4, 0.004)),), 5.0)
    plate = Link(
        "plate",
        (Geom("box", (0.07, 0.4, 0.008)),),
        2.0,
        "rail",
        Pose(np.array([0, 0, 0.014])),
        Joint("slide", (0, 1, 0), (-2, 2), drive=drive),
    )
    at = Pose(RAIL_M)
    return Body("plate", (rail, plate), pose=at, joints_at=(0.0,), speed_m_s=SPEED_M_S)


def cube(pose: Pose) -> Body:
    return content_models.instance("cube", "cube", pose)


def mole() -> Body:
    """A button, whose cap is on a spring."""
    return content_models.instance("mole", "button", Pose(np.array([0.5, 0.3, 0])))


def carried(world: World) -> np.ndarray:
    """Each quarter of a second for five: how far along y are the plate and the cube, (20, 2)."""
    start = np.array([world.pose(name).pos_m[1] for name in ("plate", "cube")])
    seen = []
    for _ in range(20):
        world.step(PHYSICS_HZ // 4)
        seen.append([world.pose(name).pos_m[1] for name in ("plate", "cube")] - start)
    return np.array(seen)


def loaded(make_bare: MakeBare, engine: str, drive: Drive) -> World:
    return make_bare(engine, driven(drive), cube(LOADED))


@pytest.mark.parametrize("drive", DRIVES)
def test_what_is_driven_moves_at_its_speed_and_carries(
    drive: Drive, engine: str, make_bare: MakeBare
) -> None:
    world = loaded(make_bare, engine, drive)
    plate, load = carried(world).T
    expected = SPEED_M_S * np.arange(1, 21) / 4
    assert plate == pytest.approx(expected if drive == "carriage" else np.zeros(20), abs=1e-3)
    assert load == pytest.approx(expected, abs=1e-3)
    assert world.velocity("cube") == pytest.approx([0, SPEED_M_S, 0], abs=1e-3)
    assert world.pose("cube").pos_m[2] == pytest.approx(RAIL_M[2] + TOP_M + 0.02, abs=1e-4)


@pytest.mark.parametrize("drive", DRIVES)
def test_what_is_driven_moves_alike_in_both_engines(drive: Drive, make_bare: MakeBare) -> None:
    one, other = (carried(loaded(make_bare, engine, drive)) for engine in ENGINES)
    assert np.abs(one - other).max() < 1e-3


def test_a_carriages_pose_is_its_moving_part_and_not_its_rail(
    engine: str, make_bare: MakeBare
) -> None:
    world = loaded(make_bare, engine, "carriage")
    world.set_joints("plate", [0.1])
    moved_m = world.pose("plate").pos_m - RAIL_M
    assert moved_m == pytest.approx([0, 0.1, 0.014], abs=1e-6)
    assert world.root_pose("plate").pos_m == pytest.approx(RAIL_M, abs=1e-9)
    world.step(100)
    assert world.velocity("plate") == pytest.approx([0, SPEED_M_S, 0], abs=1e-3)


def jointed(*joints: Joint) -> Body:
    """A base and a chain of rods, 20 cm each, that hang on it."""
    links = [Link("base", (Geom("box", (0.02, 0.02, 0.02)),), 1.0)]
    for number, joint in enumerate(joints):
        rod = Geom("cylinder", (0.004, 0.1), Pose(np.array([0, 0, -0.1])))
        above = Pose(np.array([0, 0, -0.2 if number else -0.03]))
        links.append(Link(f"rod{number}", (rod,), 0.2, links[-1].name, above, joint))
    at = Pose(np.array([0.0, 1.0, 0.9]))
    return Body("chain", tuple(links), pose=at, joints_at=(0.0,) * len(joints))


def test_a_hinge_swings_as_a_pendulum_does(engine: str, make_bare: MakeBare) -> None:
    """A thin rod on its end: the angular frequency is the root of 3 g / 2 L."""
    body = jointed(Joint("hinge", (0, 1, 0), (-2, 2)))
    world = make_bare(engine, body)
    world.set_joints("chain", [0.1])
    period_s = 2 * np.pi / np.sqrt(1.5 * G / 0.2)
    world.step(round(period_s / 4 * PHYSICS_HZ))
    assert world.joints("chain")[0] == pytest.approx(0, abs=0.005)
    world.step(round(period_s * 3 / 4 * PHYSICS_HZ))
    assert world.joints("chain")[0] == pytest.approx(0.1, abs=0.005)


def test_a_hinge_stops_at_its_range(engine: str, make_bare: MakeBare) -> None:
    joint = Joint("hinge", (0, 1, 0), (0.5, 2), damping=0.01)
    world = make_bare(engine, jointed(joint))
    world.set_joints("chain", [1.5])
    world.step(4 * PHYSICS_HZ)
    assert world.joints("chain")[0] == pytest.approx(0.5, abs=0.02)


CHAIN = (
    Joint("slide", (1, 0, 0), (-1, 1), damping=0.5),
    Joint("hinge", (0, 1, 0), (-3, 3), damping=0.005),
    Joint("hinge", (0, 1, 0), (-3, 3), damping=0.005),
)


def engines_links(world: World, body: Body) -> dict[str, Pose]:
    """The engine's own pose of every link."""
    if isinstance(world, MujocoWorld):
        root = body.links[0].name
        names = {
            k.name: body.name if k.name == root else f"{body.name}.{k.name}" for k in body.links
        }
        found = {name: world._data.body(own) for name, own in names.items()}
        return {name: Pose(it.xpos, it.xmat.reshape(3, 3)) for name, it in found.items()}
    assert isinstance(world, PybulletWorld)
    item, poses = world._bodies[body.name], {body.links[0].name: world.root_pose(body.name)}
    for link in body.links[1:]:
        state = world._client.getLinkState(item.index, item.links[link.name])
        x, y, z, w = state[5]
        poses[link.name] = from_quat(state[4], (w, x, y, z))
    return poses


def test_several_joints_of_one_object_stand_where_they_were_put(
    engine: str, make_bare: MakeBare
) -> None:
    body = jointed(*CHAIN)
    world = make_bare(engine, body)
    world.set_joints("chain", [0.1, 0.4, -0.9])
    assert world.joints("chain") == pytest.approx([0.1, 0.4, -0.9], abs=1e-9)
    ours, theirs = body.link_poses(body.pose, world.joints("chain")), engines_links(world, body)
    for name, pose in ours.items():
        assert pose.pos_m == pytest.approx(theirs[name].pos_m, abs=1e-6), name
        assert pose.rot == pytest.approx(theirs[name].rot, abs=1e-6), name


def test_several_joints_of_one_object_move_alike_in_both_engines(make_bare: MakeBare) -> None:
    paths = []
    for engine in ENGINES:
        world = make_bare(engine, jointed(*CHAIN))
        world.set_joints("chain", [0.1, 0.4, -0.4])
        path = []
        for _ in range(20):
            world.step(25)
            path.append(world.joints("chain"))
        paths.append(path)
    one, other = np.array(paths)
    assert np.ptp(one, axis=0).min() > 0.03
    assert np.abs(one - other).max() < 0.02


def test_a_sphere_that_slides_comes_to_roll(engine: str, make_bare: MakeBare) -> None:
    """Friction turns it until it rolls, at 5/7 of the speed; nothing slows it from there on."""
    ball = Link("ball", (Geom("sphere", (0.02,), friction=1.0),), 0.03)
    start = Pose(np.array([0.3, 0.3, 0.02]))
    world = make_bare(engine, Body("ball", (ball,), True, start))
    world.set_velocity("ball", np.array([0.35, 0, 0]))
    world.step(PHYSICS_HZ // 5)
    assert world.velocity("ball") == pytest.approx([0.25, 0, 0], abs=0.01)
    before = world.pose("ball")
    world.step(PHYSICS_HZ // 5)
    after = world.pose("ball")
    rolled_m = after.pos_m[0] - before.pos_m[0]
    assert rolled_m == pytest.approx(0.05, abs=0.003)
    turned = before.rot.T @ after.rot
    assert np.arccos((np.trace(turned) - 1) / 2) == pytest.approx(rolled_m / 0.02, abs=0.05)
    assert after.pos_m[2] == pytest.approx(0.02, abs=1e-4)


def test_a_body_that_is_thrown_flies_a_parabola(engine: str, make_bare: MakeBare) -> None:
    start = from_rpy((0.0, 1.0, 0.8), (0.2, 0.3, 0.4))
    world = make_bare(engine, cube(start))
    thrown = np.array([0.3, -0.2, 1.0])
    world.set_velocity("cube", thrown)
    assert world.velocity("cube") == pytest.approx(thrown, abs=1e-9)
    world.step(PHYSICS_HZ // 5)
    fallen = np.array([0, 0, -G * 0.2**2 / 2])
    assert world.pose("cube").pos_m - start.pos_m == pytest.approx(thrown * 0.2 + fallen, abs=4e-3)
    assert world.pose("cube").rot == pytest.approx(start.rot, abs=1e-6)
    world.set_pose("cube", start)
    assert world.velocity("cube") == pytest.approx(np.zeros(3), abs=1e-9)


def test_a_velocity_is_what_poses_change_by(engine: str, make_bare: MakeBare) -> None:
    """Also of a thing that tumbles about a centre of mass far from its frame."""
    far = Geom("box", (0.01, 0.01, 0.01), Pose(np.array([0.08, 0, 0])))
    near = Geom("box", (0.002, 0.002, 0.002))
    hammer = Body("hammer", (Link("hammer", (near, far), 0.1),), True)
    post = Body("post", (Link("post", (Geom("box", (0.02, 0.02, 0.1)),), 1.0),))
    world = make_bare(
        engine,
        Body("post", post.links, pose=Pose(np.array([0.0, 1.0, 0.4]))),
        Body("hammer", hammer.links, True, Pose(np.array([-0.054, 1.0, 0.6]))),
    )
    world.step(PHYSICS_HZ * 4 // 25)
    poses, velocities = [], []
    for _ in range(PHYSICS_HZ // 10):
        poses.append(world.pose("hammer"))
        velocities.append(world.velocity("hammer"))
        world.step(1)
    pos_m = np.array([pose.pos_m for pose in poses])
    change = (pos_m[2:] - pos_m[:-2]) * PHYSICS_HZ / 2
    assert np.trace(poses[0].rot.T @ poses[-1].rot) < 2.5, "it does not tumble"
    assert np.abs(change - velocities[1:-1]).max() < 0.05 * np.abs(change).max()


def test_springs_pull_where_they_are_told_to_rest(engine: str, make_bare: MakeBare) -> None:
    world = make_bare(
        engine, content_models.instance("mole", "button", Pose(np.array([0.5, 0.3, 0])))
    )
    sagged_m = -0.004 - 0.05 * G / 250  # the cap's weight on its spring
    for rest_m, end_m in ((-0.03, -0.010), (0.012, 0.0), (-0.004, sagged_m)):
        world.set_rests("mole", [rest_m])
        world.step(PHYSICS_HZ)
        assert world.joints("mole")[0] == pytest.approx(end_m, abs=1.5e-3)


def test_a_snapshot_brings_what_moves_back_to_the_last_bit(
    engine: str, make_bare: MakeBare
) -> None:
    """Where springs rest, carriages and belts that run, and how fast things move."""
    world = make_bare(engine, mole(), driven("carriage"), cube(LOADED))
    world.set_rests("mole", [-0.03])
    world.set_velocity("cube", np.array([0.05, 0.1, 0.3]))
    world.step(10)
    state = world.state()

    def run() -> bytes:
        seen = []
        for _ in range(20):
            world.step(10)
            seen += [world.joints("mole"), world.joints("plate"), world.pose("cube").pos_m]
            seen.append(world.velocity("cube"))
        return np.concatenate(seen).tobytes()

    first = run()
    world.set_rests("mole", [0.012])
    assert run() != first
    world.set_state(state)
    assert run() == first
