from __future__ import annotations

import hashlib
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, panda
from pi0bench.envs.physics import mjcf, urdf
from pi0bench.envs.physics.mujoco import MujocoWorld
from pi0bench.envs.physics.pybullet import PybulletWorld
from pi0bench.envs.pose import Pose
from pi0bench.envs.scene import Body, Geom, Link, Scene
from pi0bench.envs.world_protocol import World
from pi0bench.errors import UsageError
from pi0bench.task.tabletop_episode import Tabletop, make_world
from tests.worlds import MakeEnv

EPISODE = """
import sys
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.random_streams import stream
from pi0bench.task.task_files import task
from pi0bench.task.start_states import place
from tests.envs.test_physics import fingerprint
spec = task("{task_id}")
layout = place(spec, stream("evaluation", 0, spec.id, {seed}))
sys.stdout.write(fingerprint(Tabletop(spec, layout, "{engine}")))
"""


def numbers(world: World) -> np.ndarray:
    """Every joint and pose, to the last bit."""
    arm = world.arm()
    poses = [world.pose(body.name) for body in world.scene.bodies]
    flat = [np.concatenate([pose.pos_m, pose.rot.ravel()]) for pose in poses]
    return np.concatenate([arm.q_rad, [arm.width_m], *flat])


def fingerprint(env: Tabletop, steps: int = 60) -> str:
    """Hash of the states along the expert's episode."""
    digest = hashlib.sha256(numbers(env.world).tobytes())
    for _ in range(steps):
        env.step(env.expert_action())
        digest.update(numbers(env.world).tobytes())
    return digest.hexdigest()


def test_equal_seeds_give_equal_trajectories_to_the_last_bit(
    task_id: str, engine: str, make_env: MakeEnv
) -> None:
    first, again, other = (fingerprint(make_env(task_id, engine, seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_fresh_process_gives_the_same_trajectory(
    engine: str, make_env: MakeEnv, checkout: Path
) -> None:
    code = EPISODE.format(task_id="stack_two_cubes", seed=3, engine=engine)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True
    )
    assert run.stdout == fingerprint(make_env("stack_two_cubes", engine, 3))


def test_a_snapshot_replays_to_the_last_bit(engine: str, make_env: MakeEnv) -> None:
    env = make_env("stack_two_cubes", engine, 5)
    for _ in range(25):  # a cube is in the gripper now
        env.step(env.expert_action())
    world = env.world
    rng = np.random.default_rng(0)
    steps = [world.arm().q_rad + rng.uniform(-0.02, 0.02, 7) for _ in range(20)]

    def run() -> list[bytes]:
        seen = []
        for q in steps:
            world.set_arm_target(q, 0.03)
            world.step(25)
            seen.append(numbers(world).tobytes())
        return seen

    state = world.state()
    first = run()
    world.set_state(state)
    assert run() == first


def test_what_was_put_somewhere_is_there(engine: str, make_env: MakeEnv) -> None:
    world = make_env("past_the_wall", engine).world
    for name in ("cube", "wall", "zone"):
        pose = Pose(np.array([0.5, 0.2, 0.3]), world.pose("hand").rot)
        world.set_pose(name, pose)
        assert np.abs(world.pose(name).pos_m - pose.pos_m).max() < 1e-9
        assert np.abs(world.pose(name).rot - pose.rot).max() < 1e-9


def test_an_unknown_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r'no engine "mojoco"; did you mean "mujoco"\?'):
        make_world("mojoco", Scene(panda().body, ()))


def bodies() -> list[Body]:
    return [
        panda().body,
        content_models.table(),
        *map(content_models.model, content_models.names()),
    ]


def test_both_descriptions_have_the_same_mass_and_inertia() -> None:
    for body in bodies():
        scene = Scene(panda().body, () if body is panda().body else (body,))
        ours = ET.fromstring(mjcf.write(scene, panda()))
        names = [link.name for link in body.links]
        if body is not panda().body:
            names = mjcf.link_names(body)
        links = ET.fromstring(urdf.write(body)).iter("link")
        for link, name in zip(links, names, strict=True):
            theirs = ours.find(f".//body[@name='{name}']/inertial")
            assert theirs is not None, name
            mass, inertia, origin = (
                link.find(f"inertial/{x}") for x in ("mass", "inertia", "origin")
            )
            assert mass is not None
            assert inertia is not None
            assert origin is not None
            assert theirs.get("mass") == mass.get("value")
            assert theirs.get("pos") == origin.get("xyz")
            keys = ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
            assert (theirs.get("fullinertia") or "").split() == [inertia.get(k) for k in keys]


def test_both_engines_took_the_mass_and_inertia_over() -> None:
    free = [body for body in bodies() if body.free]
    scene = Scene(panda().body, tuple(free))
    one, other = MujocoWorld(scene), PybulletWorld(scene)
    for name, index in one._names.items():
        if name == "world":
            continue
        part = other._part(name, "A")
        info = other._client.getDynamicsInfo(part["bodyA"], part.get("linkIndexA", -1))
        assert info[0] == pytest.approx(one._model.body_mass[index] if name != "link0" else 0), name
        if name != "link0":  # its base is fixed, so PyBullet gives it no mass
            expected = sorted(one._model.body_inertia[index])
            assert sorted(info[2]) == pytest.approx(expected, rel=1e-6), name
    one.close()
    other.close()


def test_a_world_of_the_robot_alone_holds_still(engine: str) -> None:
    world = make_world(engine, Scene(panda().body, ()))
    world.set_arm(panda().home_rad, MAX_WIDTH_M)
    world.step(500)
    assert np.abs(world.arm().q_rad - panda().home_rad).max() < 2e-3
    world.close()


@pytest.mark.parametrize("mass_kg", [0.1, 1.0, 8.0])
def test_mass_is_spread_evenly_over_a_links_geoms(mass_kg: float) -> None:
    """Two equal cubes 20 cm apart weigh half of the link each."""
    side_m = 0.02
    cubes = [Geom("box", (side_m / 2,) * 3, Pose(np.array([0.3 + x, 0, 0]))) for x in (-0.1, 0.1)]
    centre_m, inertia = Link("dumbbell", tuple(cubes), mass_kg).inertial
    assert centre_m == pytest.approx([0.3, 0, 0])
    own, apart = mass_kg * side_m**2 / 6, mass_kg * 0.1**2
    assert inertia == pytest.approx(np.diag([own, own + apart, own + apart]))
