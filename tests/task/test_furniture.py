"""What is asked and done of drawers and lids."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.pose import Pose
from pi0bench.envs.scene import Body, Joint, Keypoint, Link
from pi0bench.envs.world_protocol import World
from pi0bench.errors import UsageError
from pi0bench.task import predicates
from pi0bench.task.call_parser import parse
from pi0bench.task.object_needs import NEEDS
from pi0bench.task.predicates import PREDICATES
from pi0bench.task.task_files import load, task
from tests.worlds import MakeEnv


def says(call: str, world: World) -> bool:
    return parse(call).run(PREDICATES, world)


@pytest.mark.parametrize(
    ("task_id", "name", "at", "opened", "closed"),
    [
        ("open_lid", "box", 0.0, False, True),
        ("open_lid", "box", 0.04, False, True),
        ("open_lid", "box", 0.06, False, False),
        ("open_lid", "box", 1.55, False, False),
        ("open_lid", "box", 1.65, True, False),
        ("open_drawer", "cabinet", 0.0, False, True),
        ("open_drawer", "cabinet", 0.05, False, False),
        ("open_drawer", "cabinet", 0.09, True, False),
    ],
)
def test_lids_open_by_radians_and_drawers_by_metres(
    make_env: MakeEnv, engine: str, task_id: str, name: str, at: float, opened: bool, closed: bool
) -> None:
    world = make_env(task_id, engine).world
    world.set_joints(name, [at])
    assert (says(f"opened({name})", world), says(f"closed({name})", world)) == (opened, closed)


def test_a_keypoint_is_where_the_joint_has_brought_it(make_env: MakeEnv, engine: str) -> None:
    world = make_env("open_lid", engine).world
    box = world.pose("box")
    for at, x_m, z_m in ((0.0, -0.115, 0.054), (np.pi / 2, 0.060, 0.229)):
        world.set_joints("box", [at])
        local = box.inverse().rot @ (predicates.keypoint_m(world, "box") - box.pos_m)
        assert np.allclose(local, [x_m, 0, z_m], atol=1e-4)
    assert predicates.keypoint_m(world, "box", 2)[2] == pytest.approx(0.050)


def test_a_keypoint_that_is_not_there_is_named(make_env: MakeEnv) -> None:
    world = make_env("open_lid", "mujoco").world
    with pytest.raises(UsageError, match=r"box has no keypoint 3; it has 0 pin, 1 lid, 2 lid box"):
        says("near(box, keypoint=3)", world)


@pytest.mark.parametrize(
    ("need", "models"),
    [
        ("cabinet", ["cabinet"]),
        ("furniture", ["cabinet", "lid_box"]),
        ("lid_box", ["lid_box"]),
        ("button", ["button"]),
    ],
)
def test_what_a_parameter_needs_is_what_fits(need: str, models: Sequence[str]) -> None:
    own = ("bowl", "button", "cabinet", "cube", "lid_box", "tight_peg", "tee", "zone")
    assert [name for name in own if NEEDS[need].fits(content_models.model(name))] == models


def test_a_drawer_is_not_raised_and_a_button_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    text = task("open_drawer").path.read_text("utf-8")
    path.write_text(text.replace("pull_open(cabinet)", "raise_lid(cabinet)"), "utf-8")
    with pytest.raises(UsageError, match="cabinet is a cabinet, which is no lid_box"):
        load(path)
    text = task("press_button").path.read_text("utf-8")
    path.write_text(text.replace('"pressed(target)",', '"opened(target)",'), "utf-8")
    with pytest.raises(UsageError, match="target is a button, which is no furniture"):
        load(path)


def test_the_lid_stays_where_it_is_left(make_env: MakeEnv, engine: str) -> None:
    world = make_env("open_lid", engine).world
    for at in (0.5, 1.2, 1.65):
        world.set_joints("box", [at])
        world.step(500)
        creep_rad = 0.02  # MuJoCo's dry friction is soft
        assert world.joints("box")[0] == pytest.approx(at, abs=creep_rad)


def test_no_cube_falls_through_the_lid(make_env: MakeEnv, engine: str) -> None:
    env = make_env("cube_in_lid_box", engine)
    box = env.world.pose("box")
    for aside_m in (-0.04, -0.016, 0.0, 0.016, 0.04):
        env.world.set_pose("cube", box @ Pose(np.array([-0.02, aside_m, 0.09])))
        env.world.step(300)
        assert not says("inside(cube, box)", env.world)


def test_of_several_joints_the_one_that_is_meant_counts() -> None:
    """A chest on a carriage with a lid and a sprung knob: what moves beside them is no matter."""
    up = (0.0, 0.0, 1.0)
    joints = {
        "carriage": Joint("slide", up, (-0.1, 0.1), drive="carriage"),
        "lid": Joint("hinge", up, (0.0, 2.0)),
        "knob": Joint("slide", up, (-0.01, 0.0), stiffness=100.0),
    }
    links = tuple(Link(name, (), 0.1, joint=joint) for name, joint in joints.items())
    chest = Body("chest", links, keypoints=(Keypoint("pin", "lid"),))
    scene = SimpleNamespace(body=lambda name: chest)

    def says(predicate: str, *at: float) -> bool:
        world = cast("World", SimpleNamespace(scene=scene, joints=lambda name: at))
        return PREDICATES[predicate](world, "chest")

    assert all(NEEDS[need].fits(chest) for need in ("furniture", "lid_box", "button"))
    assert says("opened", -0.1, 1.7, 0.0)
    assert not says("opened", 0.1, 0.0, 0.0)
    assert says("closed", 0.1, 0.0, -0.01)
    assert says("pressed", 0.1, 1.7, -0.01)
    assert says("unpressed", -0.1, 1.7, 0.0)
    two = Body(
        "two", (*links, Link("flap", (), 0.1, joint=joints["lid"])), keypoints=chest.keypoints
    )
    assert not NEEDS["furniture"].fits(two)
