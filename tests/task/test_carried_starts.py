"""Objects that start on or within others, rolled, and at a speed; a task of others' objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pi0bench.content.folders import EXTRA, add_folders
from pi0bench.envs.scene import Body
from pi0bench.errors import UsageError
from pi0bench.random_streams import stream
from pi0bench.task.start_states import Layout, place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import load
from pi0bench.task.task_spec import TaskSpec

_HEAD = "yaw_symmetry = 0\ncolor = [0.5, 0.5, 0.5, 1]\n"
_FIXED = f"free = false\nbottom_m = 0.0\n{_HEAD}"
OBJECTS = {
    "conveyor": f"""{_FIXED}top_m = 0.022
radius_m = 0.05
[[link]]
name = "frame"
mass_kg = 5.0
geom = [{{ shape = "box", size_m = [0.08, 0.4, 0.004], pos_m = [0, 0, 0.004] }}]
[[link]]
name = "band"
mass_kg = 50.0
pos_m = [0, 0, 0.012]
slide = [0, 1, 0]
range_m = [-2, 2]
drive = "belt"
geom = [{{ shape = "box", size_m = [0.07, 0.4, 0.010] }}]
""",
    "beaker": f"""free = true
bottom_m = 0.052
top_m = 0.008
radius_m = 0.03
{_HEAD}[interior]
link = "beaker"
shape = "cylinder"
size_m = [0.024, 0.027]
pos_m = [0, 0, -0.019]
[[link]]
name = "beaker"
mass_kg = 0.10
geom = [{{ shape = "cylinder", size_m = [0.027, 0.003], pos_m = [0, 0, -0.049] }},
        {{ shape = "box", size_m = [0.002, 0.0112, 0.027], pos_m = [0.026, 0, -0.019], ring = 8 }}]
""",
    "marble": f"""free = true
bottom_m = 0.009
top_m = 0.009
radius_m = 0.009
{_HEAD}[[link]]
name = "marble"
mass_kg = 0.02
geom = [{{ shape = "sphere", size_m = [0.009] }}]
""",
    "ramp": f"""{_FIXED}top_m = 0.01
radius_m = 0.04
[[link]]
name = "ramp"
mass_kg = 1.0
geom = [{{ shape = "box", size_m = [0.03, 0.03, 0.005] }}]
""",
    "lid": f"""{_FIXED}top_m = 0.02
radius_m = 0.04
[[link]]
name = "box"
mass_kg = 1.0
geom = [{{ shape = "box", size_m = [0.03, 0.03, 0.01], pos_m = [0, 0, 0.01] }}]
[[link]]
name = "lid"
mass_kg = 0.1
pos_m = [0.03, 0, 0.024]
hinge = [0, 1, 0]
range_rad = [0, 1.9]
friction = 0.2
geom = [{{ shape = "box", size_m = [0.03, 0.03, 0.003], pos_m = [-0.03, 0, 0] }}]
""",
}
TASK = """
summary = "Things that stand on things."
version = 1
max_s = 4.0
hold_s = 0.0
mirrored = true
ceiling_m = 0.3
instructions = ["touch the marble"]
plan = ["touch(marble)"]
stages = ["near(marble)"]
goal = { all = ["touching(marble)"] }
[objects.marble]
model = "marble"
place = { within = "beaker" }
[objects.beaker]
model = "beaker"
place = { x_m = [0.50, 0.52], y_m = [0.05, 0.2], on = "conveyor" }
[objects.conveyor]
model = "conveyor"
place = { x_m = [0.5, 0.5], y_m = [0, 0], speed_m_s = [0.03, 0.1] }
[objects.ramp]
model = "ramp"
place = { x_m = [0.35, 0.37], y_m = [-0.2, -0.1], z_m = [0.08, 0.09], roll_deg = [20, 40], either_way = ["roll_deg"] }
[objects.lid]
model = "lid"
place = { x_m = [0.34, 0.38], y_m = [-0.2, 0.1], joint_rad = [0.5, 1.0], apart_m = 0.001 }
"""  # noqa: E501


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskSpec:
    for name, text in OBJECTS.items():
        path = tmp_path / "envs" / "objects" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.setenv(EXTRA, "")
    add_folders([tmp_path])
    return load(written(tmp_path, TASK))


def written(folder: Path, text: str) -> Path:
    path = folder / "carried.toml"
    path.write_text(text, "utf-8")
    return path


def drawn(spec: TaskSpec, count: int = 60) -> list[Layout]:
    return [place(spec, stream("development", 0, spec.id, number)) for number in range(count)]


def bodies(layout: Layout) -> dict[str, Body]:
    return {body.name: body for body in layout.bodies}


def test_what_is_carried_starts_on_its_carrier_in_every_mirror(spec: TaskSpec) -> None:
    for layout in drawn(spec):
        found = bodies(layout)
        assert list(found) == ["marble", "beaker", "conveyor", "ramp", "lid"]
        assert found["beaker"].pose.pos_m[2] == pytest.approx(0.022 + 0.052)
        gap = found["marble"].pose.pos_m - found["beaker"].pose.pos_m
        assert gap == pytest.approx([0, 0, -0.046 + 0.009 + 0.0005])
        assert 0.08 <= found["ramp"].pose.pos_m[2] <= 0.09
        assert 0.5 <= found["lid"].joints_at[0] <= 1.0


def test_speeds_and_rolls_come_either_way_and_about_equally_often(spec: TaskSpec) -> None:
    layouts = drawn(spec, 200)
    rolls = np.degrees([roll(bodies(layout)["ramp"]) for layout in layouts])
    speeds = np.array([bodies(layout)["conveyor"].speed_m_s for layout in layouts])
    for found, low, high in ((rolls, 20, 40), (speeds, 0.03, 0.1)):
        assert ((low <= abs(found)) & (abs(found) <= high)).all()
        assert 70 <= (found > 0).sum() <= 130
    mirrored = np.array([bodies(layout)["beaker"].pose.pos_m[1] < 0 for layout in layouts])
    assert ((speeds < 0) == mirrored).all()


def roll(body: Body) -> float:
    return float(np.arctan2(body.pose.rot[2, 1], body.pose.rot[2, 2]))


def test_the_sign_of_a_speed_can_be_drawn_without_a_mirror(spec: TaskSpec, tmp_path: Path) -> None:
    text = TASK.replace("mirrored = true\n", "")
    text = text.replace("[0.03, 0.1] }", '[0.03, 0.1], either_way = ["speed_m_s"] }')
    speeds = [bodies(one)["conveyor"].speed_m_s for one in drawn(load(written(tmp_path, text)), 40)]
    assert 10 <= sum(speed > 0 for speed in speeds) <= 30


def test_the_room_about_an_object_is_what_it_says(spec: TaskSpec) -> None:
    gaps = []
    for layout in drawn(spec, 200):
        found = bodies(layout)
        apart = np.linalg.norm((found["lid"].pose.pos_m - found["ramp"].pose.pos_m)[:2])
        gaps.append(apart - 0.04 - 0.04)
    assert min(gaps) >= 0.001
    assert min(gaps) < 0.032


def test_what_is_carried_rests_where_it_starts(spec: TaskSpec, engine: str) -> None:
    layout = drawn(spec, 1)[0]
    env = Tabletop(spec, layout, engine)
    try:
        before = {name: env.world.pose(name).pos_m for name in ("beaker", "marble")}
        env.world.step(100)
        moved = {name: env.world.pose(name).pos_m - pos_m for name, pos_m in before.items()}
        assert [abs(moved[name][2]) < 0.001 for name in moved] == [True, True]
        along = 0.2 * layout.bodies[2].speed_m_s
        assert moved["beaker"][1] == pytest.approx(along, abs=0.002)
        assert moved["marble"][1] == pytest.approx(along, abs=0.015)  # it rolls in the beaker
    finally:
        env.close()


def test_the_tool_stays_under_the_ceiling(spec: TaskSpec) -> None:
    env = Tabletop(spec, drawn(spec, 1)[0], "mujoco")
    try:
        for _ in range(20):
            env.step(np.array([0, 0, 1, 0, 0, 0, 1.0]))
        assert env.controller.goal.pos_m[2] == pytest.approx(0.3)
    finally:
        env.close()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("joint_rad", "joint_m", 'objects.lid.place.joint_m: lid has a hinge: say "joint_rad"'),
        (
            'on = "conveyor"',
            'within = "conveyor"',
            "within: conveyor is a conveyor, which is no container",
        ),
        (
            "x_m = [0.34, 0.38], y_m = [-0.2, 0.1], joint_rad = [0.5, 1.0]",
            'within = "beaker"',
            "objects.lid.place.within: marble starts in beaker already",
        ),
    ],
)
def test_what_cannot_be_is_told(
    old: str, new: str, said: str, spec: TaskSpec, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as caught:
        load(written(tmp_path, TASK.replace(old, new)))
    assert said in str(caught.value)
