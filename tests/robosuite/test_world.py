"""Demonstrations of robosuite's tasks; skipped where the extra of that name is not installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pi0bench.data import labelled_scenes, lerobot_export, point_clouds, record_demonstrations
from pi0bench.data.array_files import read
from pi0bench.data.demonstration_reader import Recorded
from pi0bench.data.worlds.choose import world_of
from pi0bench.data.worlds.robosuite import RobosuiteMoment, RobosuiteWorld
from pi0bench.envs.episode_protocol import OWN
from pi0bench.errors import MachineError, UsageError
from pi0bench.robosuite.task_spec import names


def test_robosuite_is_demonstrated_alone() -> None:
    assert world_of(["robosuite"]) == "robosuite"
    assert world_of(["tabletop", "plain"]) == "mujoco"
    with pytest.raises(UsageError, match="a world of its own"):
        world_of(["tabletop", "robosuite"])


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Recorded]:
    pytest.importorskip("robosuite")
    out = tmp_path_factory.mktemp("demos") / "demos.npz"
    tasks = [task for task in RobosuiteWorld().tasks(["robosuite"]) if "Nut" not in task.id]
    record_demonstrations.collect(tasks, 1, out, engine="robosuite", workers=2)
    return out, Recorded(out)


def test_a_recorded_step_is_shown_again(lived: tuple[Path, Recorded]) -> None:
    _, recorded = lived
    assert {row["task"] for row in recorded.episodes} >= {"robosuite/Lift", "robosuite/Door"}
    for number, row in enumerate(recorded.episodes):
        scenery = recorded.scenery(number)
        for step in (row["steps"] - 1, 0):
            noted = recorded.row(number, step)
            tool = scenery.moment(noted).tool()
            np.testing.assert_allclose(tool.pos_m, noted["proprio"][:3], atol=2e-3)


def test_cameras_stand_where_the_calibration_says(lived: tuple[Path, Recorded]) -> None:
    _, recorded = lived
    known = recorded.world.calibration()
    for number in range(len(recorded.episodes)):
        moment = recorded.scenery(number).moment(recorded.row(number, 9))
        for name, where in known.items():
            camera = moment.camera(name)
            seen = moment.tool().inverse() @ camera.pose if where["on_tool"] else camera.pose
            np.testing.assert_allclose(seen.pos_m, where["pos_m"], atol=1e-4)
            np.testing.assert_allclose(seen.rot.ravel(), where["rot"], atol=1e-4)
            assert camera.fovy_deg == where["fovy_deg"]


def test_keypoints_are_where_the_pictures_show_them(lived: tuple[Path, Recorded]) -> None:
    _, recorded = lived
    number = [row["task"] for row in recorded.episodes].index("robosuite/Stack")
    moment = recorded.scenery(number).moment(recorded.row(number, 0))
    try:
        pictures = moment.images(None, 256)
    except MachineError:
        pytest.skip("no OpenGL")
    looks = list(recorded.world.keypoint_heights_m(["robosuite/Stack"]))
    assert looks == ["green cube", "red cube"]
    told = labelled_scenes.label(moment, looks, np.zeros(3))
    for look, pixel in zip(looks, told["pixel"], strict=True):
        right, down = np.rint((pixel[0] + 1) * 128).astype(int)
        shade = pictures["front"][down, right].astype(int)
        assert shade.argmax() == {"red cube": 0, "green cube": 1}[look], f"{look}: {shade}"


def test_scenes_show_recorded_and_mixed_moments(
    lived: tuple[Path, Recorded], tmp_path: Path
) -> None:
    source, recorded = lived
    tasks = [t for t in recorded.world.tasks([]) if t.id in recorded.about["tasks"]]
    try:
        (path,) = labelled_scenes.collect(tasks, source, 4, tmp_path, side=32, workers=1)
    except MachineError:
        pytest.skip("no OpenGL")
    arrays, about = read(path)
    assert arrays["images"].shape == (4, 2, 32, 32, 3)
    assert list(about["looks"]) == ["can", "door handle", "green cube", "red cube"]
    assert arrays["present"].sum(1).tolist() == [1] * 4  # of Lift, the first


def test_a_mixed_moment_has_one_arm_and_other_things(lived: tuple[Path, Recorded]) -> None:
    _, recorded = lived
    number = [row["task"] for row in recorded.episodes].index("robosuite/Lift")
    scenery, last = recorded.scenery(number), recorded.episodes[number]["steps"] - 1
    rows = iter([recorded.row(number, last), recorded.row(number, 0)])
    mixed = recorded.world.invent(
        "robosuite/Lift", lambda *_: (scenery, next(rows)), np.random.default_rng(0)
    )
    assert isinstance(mixed, RobosuiteMoment)
    tool, (cube,) = mixed.tool().pos_m, mixed.keypoints()
    np.testing.assert_allclose(tool, recorded.row(number, last)["proprio"][:3], atol=2e-3)
    (before,) = scenery.moment(recorded.row(number, 0)).keypoints()
    np.testing.assert_allclose(cube.pos_m, before.pos_m)


def test_a_dataset_for_lerobot_is_written(lived: tuple[Path, Recorded], tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    source, recorded = lived
    assert recorded.world.renderers == (OWN,)
    try:
        out = lerobot_export.export(source, tmp_path / "set", None, 32)
    except MachineError:
        pytest.skip("no OpenGL")
    assert (out / "meta" / "info.json").is_file()


def test_there_are_no_points(lived: tuple[Path, Recorded], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only the benchmark's own tasks"):
        point_clouds.encode(lived[0], 64, tmp_path / "points.npz", [], workers=1)


def test_every_task_has_keypoints() -> None:
    world = RobosuiteWorld()
    for name in names():
        assert world.keypoint_heights_m([f"robosuite/{name}"])
