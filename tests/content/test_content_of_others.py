"""A folder of others with an object, a colour, a variation, a task and paraphrases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pi0bench.content.folders import EXTRA, add_folders, folder, folders_of
from pi0bench.envs import content_models
from pi0bench.errors import UsageError
from pi0bench.evaluate.check_tasks import check
from pi0bench.task import variation_files
from pi0bench.task.paraphrases import paraphrases
from pi0bench.task.task_files import files, suite, task, task_ids
from pi0bench.task.varied_episode import VariedTabletop

OBJECT = """
free = true
bottom_m = 0.02
top_m = 0.02
radius_m = 0.03
yaw_symmetry = 2
color = [0.5, 0.5, 0.5, 1]
[[link]]
name = "block"
mass_kg = 0.1
geom = [{ shape = "box", size_m = [0.02, 0.02, 0.02], material = "lid" }]
[material]
lid = [1, 1, 1, 1]
"""
TASK = """
summary = "Touch the block."
version = 1
tags = ["mine"]
max_s = 4.0
hold_s = 0.0
instructions = ["touch the {block.color} block"]
plan = ["touch(block)"]
stages = ["near(block)"]
goal = { all = ["touching(block)"] }
[objects.block]
model = "block"
color = "purple"
place = { x_m = [0.45, 0.55], y_m = [-0.1, 0.1] }
"""
VARIATION = """
summary = "Fog."
severity = { 1 = { clutter = ["block"] }, 2 = { wording = "close" }, 3 = { light_dim = 0.5 } }
"""
SENTENCES = [
    "tap the {block.color} block",
    "tap it, the {block.color} one",
    "tap {block.color}",
]
WRITTEN = {
    "envs/objects/block.toml": OBJECT,
    "envs/colors.toml": "purple = [0.5, 0.1, 0.7, 1]\n",
    "envs/variations/fog.toml": VARIATION,
    "tasks/mine/touch_block.toml": TASK,
    "tasks/suites.toml": 'mine = "My own."\n',
    "tasks/paraphrases.toml": f"[touch_block]\nclose = {SENTENCES}\nfree = {SENTENCES}\n"
    f"wordy = {SENTENCES}\n",
}


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in WRITTEN.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.setenv(EXTRA, "")
    add_folders([tmp_path])
    return tmp_path


def test_all_of_it_is_found_beside_the_benchmarks_own(mine: Path) -> None:
    assert folders_of("envs") == [folder("envs"), mine / "envs"]
    assert {"block", "cube"} <= set(content_models.names())
    assert list(content_models.colors()) == ["red", "green", "blue", "purple"]
    assert {"touch_block", "any_cube"} <= set(task_ids())
    assert [spec.id for spec in suite("mine")] == ["touch_block"]
    assert ("fog-1 … fog-3", "Fog.") in variation_files.described()
    assert mine / "tasks" / "mine" / "touch_block.toml" in files([])


def test_it_is_measured_under_a_variation_of_its_own(mine: Path) -> None:
    spec = task("touch_block")
    episode = VariedTabletop(spec, "mujoco", "fog-1", 0, 0)
    try:
        assert [body.name for body in episode.layout.bodies] == ["block", "clutter-1"]
        assert episode.layout.bodies[0].keypoints[0].name == "purple block"
        while not episode.over:
            episode.step(np.clip(episode.expert_action(), -1, 1))
        assert episode.succeeded
    finally:
        episode.close()
    worded = VariedTabletop(spec, "mujoco", "fog-2", 0, 0)
    assert worded.instruction in [text.format(**worded.layout.said) for text in SENTENCES]
    worded.close()
    said: list[str] = []
    assert check([spec.path], resets=2, say=said.append) == 0, said
    few = WRITTEN["tasks/paraphrases.toml"].replace("tap {block.color}", "tap it")
    (mine / "tasks/paraphrases.toml").write_text(few, "utf-8")
    assert check([spec.path], resets=1, episodes=0, say=said.append) == 3, said


def test_a_task_beside_the_folders_of_tasks_is_told(mine: Path) -> None:
    path = mine / "tasks" / "loose.toml"
    path.write_text(TASK, "utf-8")
    for look in (task_ids, lambda: check([path])):
        with pytest.raises(UsageError, match=r"loose.toml: a task lies in a folder of .*tasks/any"):
            look()


def test_what_is_no_task_is_not_passed_over() -> None:
    with pytest.raises(UsageError, match=r"Lift.toml: no file of a task that can be checked"):
        check([folder("tasks") / "robosuite" / "Lift.toml"])


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("envs/objects/block.toml", "mass_kg = 0.1", "mass_kg = 0.2"),
        ("envs/colors.toml", "0.7", "0.8"),
        ("tasks/mine/touch_block.toml", "max_s = 4.0", "max_s = 5.0"),
    ],
)
def test_what_a_task_is_made_of_is_in_its_hash(mine: Path, name: str, old: str, new: str) -> None:
    before, untouched = task("touch_block").hash, task("any_cube").hash
    (mine / name).write_text(WRITTEN[name].replace(old, new), "utf-8")
    assert task("touch_block").hash != before
    assert task("any_cube").hash == untouched


def test_what_a_variation_is_made_of_is_in_its_digest(mine: Path) -> None:
    tasks = ["any_cube", "touch_block"]
    own = variation_files.digest("wording-1", ["any_cube"])
    before = [variation_files.digest(f"fog-{n}", tasks) for n in (1, 2, 3)]
    assert variation_files.digest("wording-1") == own
    assert variation_files.digest("wording-1", tasks) != own
    (mine / "envs/objects/block.toml").write_text(f"# mine{OBJECT}", "utf-8")
    (mine / "tasks/paraphrases.toml").write_text(
        WRITTEN["tasks/paraphrases.toml"].replace("tap it", "touch it"), "utf-8"
    )
    after = [variation_files.digest(f"fog-{n}", tasks) for n in (1, 2, 3)]
    assert [one == two for one, two in zip(before, after, strict=True)] == [False, False, True]


@pytest.mark.parametrize(
    ("taken", "read"),
    [
        ("envs/objects/cube.toml", content_models.names),
        ("envs/variations/light.toml", variation_files.kinds),
        ("tasks/mine/any_cube.toml", task_ids),
    ],
)
def test_an_id_that_is_taken_is_refused_with_both_files(mine: Path, taken: str, read) -> None:
    (mine / taken).write_text("", "utf-8")
    content_models._files.cache_clear()
    own = taken.replace("mine", "tabletop")
    with pytest.raises(UsageError) as caught:
        read()
    assert all(str(path) in str(caught.value) for path in (mine / taken, own))


def test_a_color_or_a_paraphrase_that_is_taken_is_refused(mine: Path) -> None:
    (mine / "envs/colors.toml").write_text("red = [1, 0, 0, 1]\n", "utf-8")
    said = f"{mine}/envs/colors.toml:1: red: the color is taken by envs/colors.toml; rename it"
    with pytest.raises(UsageError, match=said):
        content_models.colors()
    (mine / "tasks/paraphrases.toml").write_text("[any_cube]\n", "utf-8")
    with pytest.raises(UsageError, match=r"any_cube: there are paraphrases of this task in tasks/"):
        paraphrases([])


def test_every_problem_of_an_object_is_told_with_its_line(mine: Path) -> None:
    path = mine / "envs/objects/block.toml"
    wrong = OBJECT.replace("radius_m", "radius").replace('"box"', '"boxx"')
    wrong = wrong.replace('"lid" }', '"lit" }').replace("0.1\n", '"heavy"\n')
    path.write_text(wrong.replace("yaw_symmetry = 2", "yaw_symmetry = 2.5"), "utf-8")
    with pytest.raises(UsageError) as caught:
        content_models.model("block")
    assert str(caught.value).split("\n") == [
        f'{path}:1: radius_m: "radius_m" is missing',
        f'{path}:5: radius: unknown key; did you mean "radius_m"?',
        f"{path}:6: yaw_symmetry: must be a whole number; got 2.5",
        f"{path}:10: link.0.mass_kg: must be a number from 0.0001 to 100; got heavy",
        f'{path}:11: link.0.geom.0.shape: no shape "boxx"; did you mean "box"?',
        f'{path}:11: link.0.geom.0.material: no material "lit"; did you mean "lid"?',
    ]


def test_a_folder_without_content_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EXTRA, str(tmp_path / "none"))
    with pytest.raises(UsageError, match="it must hold one of envs, tasks, policies"):
        task_ids()
    (tmp_path / "none" / "policies").mkdir(parents=True)
    assert "any_cube" in task_ids()
