from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.controller import Controller
from pi0bench.envs.panda_kinematics import forward
from pi0bench.envs.scene import Body
from pi0bench.random_streams import stream
from pi0bench.task.start_heights import carries
from pi0bench.task.start_states import Layout, PlacementError, place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task
from pi0bench.task.task_spec import Place, TaskSpec


def layouts(spec: TaskSpec, count: int = 200) -> list[Layout]:
    return [place(spec, stream("evaluation", 0, spec.id, number)) for number in range(count)]


def test_a_start_state_follows_from_its_stream(spec: TaskSpec) -> None:
    first, again, other = (place(spec, stream("evaluation", 0, spec.id, n)) for n in (1, 1, 2))
    assert describe(first) == describe(again)
    assert describe(first) != describe(other)


def describe(layout: Layout) -> tuple[object, ...]:
    poses = tuple(body.pose.pos_m.tobytes() + body.pose.rot.tobytes() for body in layout.bodies)
    return poses, layout.tcp_m, layout.yaw_rad, layout.instruction, layout.expert_choice


def test_objects_keep_their_distance_and_their_ranges(spec: TaskSpec) -> None:
    for layout in layouts(spec):
        for item, body in zip(spec.objects, layout.bodies, strict=True):
            assert item.name == body.name
            if item.place.within:
                continue
            x, y, z = body.pose.pos_m
            low, high = item.place.y_m
            assert item.place.x_m[0] <= x <= item.place.x_m[1]
            assert low <= y <= high or (spec.mirrored and low <= -y <= high)
            low, high = item.place.joint_at
            at = (body.joints_at or (0.0,))[0]
            assert low <= at <= high or (spec.mirrored and low <= -at <= high)
            if not item.place.on:
                low, high = item.place.z_m or (body.bottom_m, body.bottom_m)
                assert low <= z <= high
        things = zip(spec.objects, layout.bodies, strict=True)
        for (one, a), (two, b) in combinations(things, 2):
            apart = float(np.linalg.norm((a.pose.pos_m - b.pose.pos_m)[:2]))
            painted = a.radius_m == 0 or b.radius_m == 0
            own = [at for at in (one.place.apart_m, two.place.apart_m) if at is not None]
            room_m = max(own, default=0.03)
            assert painted or carries(spec, one, two) or apart >= a.radius_m + b.radius_m + room_m


def test_no_two_objects_of_a_layout_look_alike(spec: TaskSpec) -> None:
    for layout in layouts(spec):
        looks = [mark.name for body in layout.bodies for mark in body.keypoints]
        assert len(set(looks)) == len(looks)


def test_every_colour_is_drawn_about_equally_often(spec: TaskSpec) -> None:
    drawn = layouts(spec, 300)
    for number, item in enumerate(spec.objects):
        looks = [d.bodies[number].keypoints[0].name for d in drawn]
        counts = {color: sum(look.startswith(color) for look in looks) for color in item.color}
        for color, count in counts.items():
            assert count == pytest.approx(300 / len(item.color), abs=45), (item.name, color)


def test_every_wording_is_used_and_names_the_colours_that_were_drawn(spec: TaskSpec) -> None:
    used = set()
    for layout in layouts(spec):
        words = {
            body.name: SimpleNamespace(color=body.keypoints[0].name.split()[0], side=side_of(body))
            for body in layout.bodies
        }
        wordings = [template.format(**words) for template in spec.instructions]
        assert layout.instruction in wordings
        assert "{" not in layout.instruction
        used.add(wordings.index(layout.instruction))
    assert used == set(range(len(spec.instructions)))


def side_of(body: Body) -> str:
    return "left" if body.pose.pos_m[1] > 0 else "right"


def test_the_arm_starts_where_the_layout_says(spec: TaskSpec) -> None:
    for layout in layouts(spec, 5):
        env = Tabletop(spec, layout, "mujoco")
        tool = forward(env.world.arm().q_rad)
        assert np.linalg.norm(tool.pos_m - layout.tcp_m) < 0.004
        assert np.linalg.norm(Controller(env.world).goal.pos_m - layout.tcp_m) < 0.004
        assert tool.rot[2, 2] == pytest.approx(-1, abs=1e-3)
        env.close()


def test_the_coin_is_fair() -> None:
    coins = [layout.expert_choice for layout in layouts(task("past_the_wall"))]
    assert 0.4 <= np.mean(np.array(coins) < 0.5) <= 0.6


def test_too_little_room_is_said_after_a_bounded_number_of_tries() -> None:
    spec = task("cube_in_bowl")
    corner = Place((0.5, 0.51), (0.0, 0.01))
    crowded = replace(spec, objects=tuple(replace(item, place=corner) for item in spec.objects))
    with pytest.raises(PlacementError) as refusal:
        place(crowded, np.random.default_rng(0))
    said = "cube_in_bowl: no room for its objects in 1000 tries, most often none for other; "
    assert str(refusal.value) == said + "widen a range"


def test_too_few_colours_are_said() -> None:
    spec = task("stack_two_cubes")
    two = tuple(replace(item, color=("red", "blue")) for item in spec.objects)
    third = replace(two[0], name="third")
    red = replace(spec, objects=(*two, third))
    with pytest.raises(PlacementError, match="stack_two_cubes: no color is left for third"):
        place(red, np.random.default_rng(0))


def test_a_colour_repaints_the_object_and_nothing_else() -> None:
    plain = content_models.model("cube")
    red = content_models.instance("x", "cube", plain.pose, "red")
    assert red.links[0].geoms[0].rgba == content_models.colors()["red"]
    assert plain.links[0].geoms[0].rgba != content_models.colors()["red"]
    assert (red.name, [mark.name for mark in red.keypoints]) == ("x", ["red cube"])
