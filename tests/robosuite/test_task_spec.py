"""robosuite's tasks and cameras as files; nothing here needs robosuite itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pi0bench.content.folders import EXTRA
from pi0bench.data.worlds.robosuite import RobosuiteWorld
from pi0bench.errors import UsageError
from pi0bench.robosuite.cameras import control_hz, mounted
from pi0bench.robosuite.experts import EXPERTS
from pi0bench.robosuite.task_spec import names, spec

MINE = """
instruction = "wipe the table"
max_s = 20
hold_s = 0.5
[keypoint.marker]
site = "marker"
yaw_symmetry = 0
height_m = -0.1
"""


def test_the_tasks_say_what_records_were_made_with() -> None:
    told = {name: (spec(name).instruction, spec(name).max_s) for name in names()}
    assert told == {
        "Lift": ("lift the red cube", 8.0),
        "Stack": ("stack the red cube on the green cube", 12.0),
        "PickPlaceCan": ("put the can into its bin", 15.0),
        "Door": ("open the door", 15.0),
        "NutAssemblySquare": ("put the square nut on the square peg", 15.0),
    }
    assert {round(spec(name).hold_s * control_hz()) for name in names()} == {10}
    assert set(EXPERTS) == set(names())


def test_encoders_find_the_same_keypoints() -> None:
    heights_m = RobosuiteWorld().keypoint_heights_m([f"robosuite/{name}" for name in names()])
    assert heights_m == {
        "can": -0.05,
        "door handle": 0.16,
        "green cube": -0.08,
        "nut handle": -0.02,
        "red cube": -0.08,
        "square nut": -0.02,
    }


def test_the_cameras_stand_where_they_stood() -> None:
    front, wrist = mounted()["front"], mounted()["wrist"]
    assert (front.fovy_deg, wrist.fovy_deg, front.on_tool, wrist.on_tool) == (45, 75, False, True)
    np.testing.assert_array_equal(wrist.pose.rot, np.diag([-1, 1, -1]))
    np.testing.assert_allclose(front.pose.rot @ [0, 0, 1], np.array([90, 0, 75]) / np.hypot(90, 75))
    np.testing.assert_allclose(front.pose.rot @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_one_more_task_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tasks" / "robosuite" / "Wipe.toml"
    path.parent.mkdir(parents=True)
    path.write_text(MINE)
    monkeypatch.setenv(EXTRA, str(tmp_path))
    assert "Wipe" in names()
    assert spec("Wipe").keypoints[0].site == "marker"
    path.write_text(MINE.replace("max_s", "max_ss").replace("site", "sight"))
    with pytest.raises(UsageError) as caught:
        spec("Wipe")
    told = str(caught.value)
    assert f'{path}:3: max_ss: unknown key; did you mean "max_s"?' in told
    assert f'{path}:5: keypoint.marker: must have a "body" or else a "site"' in told
