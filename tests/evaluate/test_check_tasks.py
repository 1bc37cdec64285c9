from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pi0bench.cli import main
from pi0bench.envs.pose import Pose
from pi0bench.errors import UsageError
from pi0bench.evaluate.check_tasks import check
from pi0bench.task.start_states import Layout, place
from pi0bench.task.task_files import task, task_ids
from pi0bench.task.task_spec import TaskSpec

Copy = Callable[..., Path]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    """A task's file with some of its text replaced."""

    def make(task_id: str, *changes: tuple[str, str]) -> Path:
        text = task(task_id).path.read_text("utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / f"{task_id}.toml"
        path.write_text(text, "utf-8")
        return path

    return make


def said(*paths: Path, resets: int = 3, episodes: int = 0) -> tuple[int, list[str]]:
    lines: list[str] = []
    return check(paths, resets=resets, episodes=episodes, say=lines.append), lines


def test_the_benchmarks_own_tasks_are_good() -> None:
    problems, lines = said(resets=4)
    assert problems == 0
    assert lines == [
        f"{task_id}: {engine}: 4 starts are good, the expert reaches the goal from 0"
        for task_id in task_ids()
        for engine in ("mujoco", "pybullet")
    ]


def test_a_folder_may_hold_the_suites_too(checkout: Path) -> None:
    problems, lines = said(checkout / "tasks", resets=1)
    assert problems == 0
    assert len(lines) == 2 * len(task_ids())


def test_every_problem_of_every_file_is_told(copy: Copy, tmp_path: Path) -> None:
    copy("reach_cube", ("touching(target)", "touching(targt)"))
    copy("stack_two_cubes", ('"cube"', '"cub"'), ("max_s = 9.0", "max_s = 0"))
    problems, lines = said(tmp_path)
    assert problems == len(lines) == 5
    assert [line.split(": ")[1] for line in lines] == [
        "stages.1", "goal.all.0", "max_s", "objects.top.model", "objects.base.model",
    ]  # fmt: skip


def test_starts_without_room_are_told_once_with_their_seeds(copy: Copy) -> None:
    path = copy("stack_two_cubes", ("[0.38, 0.62]", "[0.5, 0.5]"), ("[-0.22, 0.22]", "[0, 0.01]"))
    problems, lines = said(path)
    assert problems == 1
    room = "no room for its objects in 1000 tries, most often none for base; widen a range"
    assert lines[0] == f"stack_two_cubes: {room} (seeds 0, 1, 2)"


def test_a_goal_that_is_true_at_the_start_is_told(copy: Copy) -> None:
    path = copy("stack_two_cubes", ('["on(top, base)", "released(top)"]', '["released(top)"]'))
    problems, lines = said(path)
    assert problems == 2
    assert lines == [
        f"stack_two_cubes: {engine}: the goal is true at the start (in all 3)"
        for engine in ("mujoco", "pybullet")
    ]


def test_what_moves_by_itself_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def dropped(spec: TaskSpec, rng: np.random.Generator) -> Layout:
        layout = place(spec, rng)
        body = layout.bodies[0]
        high = Pose(body.pose.pos_m + np.array([0, 0, 0.5]), body.pose.rot)
        return replace(layout, bodies=(replace(body, pose=high), *layout.bodies[1:]))

    monkeypatch.setattr("pi0bench.evaluate.check_tasks.place", dropped)
    problems, lines = said(task("reach_cube").path, resets=2)
    assert problems == 2
    for engine, line in zip(("mujoco", "pybullet"), lines, strict=True):
        moves = '"target" moves by itself, over 5 mm (in all 2)'
        assert line == f"reach_cube: {engine}: {moves}"


def test_a_task_is_checked_by_its_id() -> None:
    problems, lines = said(Path("press_button"), resets=1, episodes=1)
    assert problems == 0
    assert lines == [
        f"press_button: {engine}: 1 starts are good, the expert reaches the goal from 1"
        for engine in ("mujoco", "pybullet")
    ]


def test_a_plan_that_cannot_reach_the_goal_is_told_with_where_it_ends(copy: Copy) -> None:
    path = copy("stack_two_cubes", ('  "put_on(top, base) if held(top)",\n', ""))
    problems, lines = said(path, resets=1, episodes=2)
    assert problems == 2
    assert lines == [
        f"stack_two_cubes: {engine}: the expert does not get as far as above(top, base) within "
        f"{task('stack_two_cubes').max_s:g} s, in 2 of 2 episodes"
        for engine in ("mujoco", "pybullet")
    ]


def test_a_goal_that_the_plan_forgets_is_told(copy: Copy) -> None:
    path = copy("stack_two_cubes", ('  "leave(top) if on(top, base)",\n', ""))
    problems, lines = said(path, resets=1, episodes=1)
    assert problems == 2
    assert lines == [
        f"stack_two_cubes: {engine}: the expert passes every stage, and the goal does not hold "
        "for 0.5 s; at the end it lacks released(top), in 1 of 1 episodes"
        for engine in ("mujoco", "pybullet")
    ]


def test_a_call_that_fails_while_it_is_carried_out_is_told(copy: Copy) -> None:
    rules = '["press(target)", "press(target) if near(target, keypoint=4)"]'
    path = copy("press_button", ('["press(target)"]', rules))
    problems, lines = said(path, resets=1, episodes=1)
    assert problems == 2
    why = "target has no keypoint 4; it has 0 "
    assert all(f"the expert comes to nothing: {why}" in line for line in lines)


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        said(tmp_path / "nothing")


@pytest.mark.slow
def test_what_a_task_forgives_is_kept_in_a_table(tmp_path: Path) -> None:
    out = tmp_path / "tasks.csv"
    words = ["check", "reach_cube", "--episodes", "1", "--tolerance", "--replay", "--out"]
    assert main([*words, str(out)]) == 0
    names, row = out.read_text().splitlines()
    assert names == "task,forgives,and in heading,mujoco in pybullet,pybullet in mujoco"
    assert row == "reach_cube,38 mm,more than 45 degrees,20 of 20,20 of 20"


def test_a_table_needs_something_to_keep(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "reach_cube", "--out", "tasks.csv"]) == 2
    assert "--out: takes --tolerance, --replay or both" in capsys.readouterr().err
