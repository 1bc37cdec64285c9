"""Tasks with several right ways, and what start states say of colours and sides."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pi0bench.envs.pose import Pose
from pi0bench.errors import UsageError
from pi0bench.random_streams import stream
from pi0bench.task.call_parser import parse
from pi0bench.task.start_states import Layout, place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import load, task, task_ids
from pi0bench.task.task_spec import TaskSpec

STILL = np.array([0, 0, 0, 0, 0, 0, 1.0])
WITH_MODES = [task_id for task_id in task_ids() if task(task_id).modes]
MIRRORED = [task_id for task_id in task_ids() if task(task_id).mirrored]


def layout(spec: TaskSpec, seed: int) -> Layout:
    return place(spec, stream("evaluation", 0, spec.id, seed))


def start(spec: TaskSpec, seed: int, engine: str = "mujoco") -> Tabletop:
    return Tabletop(spec, layout(spec, seed), engine)


def changed(tmp_path: Path, task_id: str, old: str, new: str) -> TaskSpec:
    """A task with some of its text replaced."""
    text = task(task_id).path.read_text("utf-8")
    assert old in text
    path = tmp_path / f"{task_id}.toml"
    path.write_text(text.replace(old, new), "utf-8")
    return load(path)


def test_a_bound_call_names_what_was_chosen() -> None:
    call = parse("put_in(any, bowl, slack_m=0.5)").bound({"any": "red", "put_in": "x"})
    assert str(call) == "put_in(red, bowl, slack_m=0.5)"
    assert str(parse("f(a, b, c=a)").bound({"a": "b", "b": "a"})) == "f(b, a, c=b)"


def test_a_task_without_a_choice_has_one_way() -> None:
    assert len(task("reach_cube").ways) == 1


def test_each_way_names_its_own_objects() -> None:
    ways = task("any_cube").ways
    assert [str(way.plan[0]) for way in ways] == ["pick(red)", "pick(green)", "pick(blue)"]
    assert [str(way.goal[0]) for way in ways] == [
        f"inside({color}, bowl)" for color in ("red", "green", "blue")
    ]
    one, two = task("sort_two_cubes").ways
    assert [str(call) for call in one.stages] == [
        "held(one)", "inside(one, bowl_one)", "held(two)", "inside(two, bowl_two)",
    ]  # fmt: skip
    assert [str(call) for call in two.stages] == [
        "held(two)", "inside(two, bowl_two)", "held(one)", "inside(one, bowl_one)",
    ]  # fmt: skip


def test_lists_of_a_choice_must_be_of_one_length(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose: all lists must be of one length"):
        changed(tmp_path, "sort_two_cubes", 'first = ["one", "two"]', 'first = ["one"]')


def mode_of(spec: TaskSpec, seed: int) -> str:
    """The mode that the expert takes; the episode is left as soon as it has."""
    env = start(spec, seed)
    while not env.verdict.mode and env.steps < env.max_steps:
        env.step(env.expert_action())
    env.close()
    return env.verdict.mode


@pytest.mark.parametrize(
    ("task_id", "least", "most"),
    [
        ("any_cube", 0.20, 0.47),
        ("sort_two_cubes", 0.35, 0.65),
        ("past_the_wall", 0.35, 0.65),
        ("plug_in_either_socket", 0.35, 0.65),
    ],
)
def test_the_expert_takes_each_way_about_equally_often(
    task_id: str, least: float, most: float
) -> None:
    spec = task(task_id)
    counts = Counter(mode_of(spec, seed) for seed in range(60))
    assert set(counts) == {name for name, _ in spec.modes}
    assert all(least <= count / 60 <= most for count in counts.values()), counts


@pytest.mark.parametrize("task_id", WITH_MODES)
def test_an_episode_takes_one_mode_and_its_stages_come_in_order(task_id: str) -> None:
    spec = task(task_id)
    for seed in range(3):
        env = start(spec, seed)
        modes, stages = [env.verdict.mode], [env.verdict.stages]
        while env.steps < env.max_steps and not env.succeeded:
            env.step(env.expert_action())
            modes.append(env.verdict.mode)
            stages.append(env.verdict.stages)
            assert env.verdict.progress == stages[-1] / len(spec.ways[0].stages)
        env.close()
        assert modes[:2] == ["", ""]
        assert modes[-1] in dict(spec.modes)
        assert modes == sorted(modes, key=bool), f"seed {seed}: an open episode after a mode"
        assert len(set(modes)) == 2, f"seed {seed}: {set(modes)}"
        assert stages == sorted(stages)
        assert sorted(set(stages)) == list(range(len(spec.ways[0].stages) + 1))


def put(env: Tabletop, cube: str, bowl: str) -> None:
    """Lay the cube into the bowl and let it come to rest."""
    x, y, z = env.world.pose(bowl).pos_m
    height_m = 0.008 + env.world.scene.body(cube).bottom_m
    env.world.set_pose(cube, Pose(np.array([x, y, z + height_m])))
    env.world.step(25)


def test_any_one_of_the_cubes_is_the_goal(engine: str) -> None:
    for cube in ("red", "green", "blue"):
        env = start(task("any_cube"), 0, engine)
        assert not env.goal()
        put(env, cube, "bowl")
        assert env.goal(), cube
        env.close()


def test_half_of_a_way_is_not_the_goal(engine: str) -> None:
    spec = task("sort_two_cubes")
    for first, second in (("one", "two"), ("two", "one")):
        env = start(spec, 0, engine)
        put(env, first, f"bowl_{first}")
        assert not env.goal()
        put(env, second, f"bowl_{second}")
        assert env.goal()
        env.close()


def test_cubes_in_each_others_bowls_are_not_the_goal(engine: str) -> None:
    env = start(task("sort_two_cubes"), 0, engine)
    put(env, "one", "bowl_two")
    put(env, "two", "bowl_one")
    assert not env.goal()
    env.close()


def test_a_stage_does_not_count_before_those_that_precede_it() -> None:
    env = start(task("sort_two_cubes"), 0)
    put(env, "one", "bowl_one")
    put(env, "two", "bowl_two")
    verdict = env.step(STILL)
    env.close()
    assert verdict.goal_steps == 1
    assert (verdict.stages, verdict.progress, verdict.mode) == (0, 0.0, "")


@pytest.mark.parametrize("task_id", MIRRORED)
def test_about_half_of_the_starts_are_mirrored(task_id: str) -> None:
    spec = task(task_id)
    swapped = 0
    for seed in range(200):
        drawn, plain = layout(spec, seed), layout(replace(spec, mirrored=False), seed)
        pairs = list(zip(drawn.bodies, plain.bodies, strict=True))
        turned = any(not np.array_equal(a.pose.pos_m, b.pose.pos_m) for a, b in pairs)
        swapped += turned
        sign = -1 if turned else 1
        for body, was in pairs:
            assert body.pose.pos_m == pytest.approx(was.pose.pos_m * [1, sign, 1]), body.name
            assert body.pose.yaw_rad() == pytest.approx(sign * was.pose.yaw_rad())
    assert 80 <= swapped <= 120


def test_the_word_for_a_side_follows_the_mirror() -> None:
    spec, other = task("left_or_right_cube"), {"left": "right", "right": "left"}
    seen = set()
    for seed in range(60):
        drawn = layout(spec, seed)
        y_m = {body.name: body.pose.pos_m[1] for body in drawn.bodies}
        side = "left" if y_m["target"] > y_m["bowl"] else "right"  # as the robot sees it
        seen.add(side)
        assert (y_m["other"] > y_m["bowl"]) == (side == "right")
        assert drawn.said["target"].side == side
        assert drawn.said["other"].side == other[side]
        words = drawn.instruction.split()
        assert side in words
        assert other[side] not in words
    assert seen == {"left", "right"}


def test_a_bowl_shares_the_colour_of_its_cube() -> None:
    spec = task("sort_two_cubes")
    for seed in range(30):
        drawn = layout(spec, seed)
        bodies = {body.name: body for body in drawn.bodies}
        for cube, bowl in (("one", "bowl_one"), ("two", "bowl_two")):
            color = drawn.said[cube].color
            assert drawn.said[bowl].color == color
            assert bodies[bowl].keypoints[0].name == f"{color} bowl"
            paint = {geom.rgba for link in bodies[cube].links for geom in link.geoms}
            assert paint < {geom.rgba for link in bodies[bowl].links for geom in link.geoms}
        assert drawn.said["one"].color != drawn.said["two"].color


def test_a_fixed_colour_may_be_shared(tmp_path: Path) -> None:
    spec = changed(tmp_path, "any_cube", 'color = "green"', 'color = "red"')
    looks = [body.keypoints[0].name for body in layout(spec, 0).bodies]
    assert looks == ["red cube", "red cube", "blue cube", "bowl"]
