from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi0bench.envs.panda_kinematics import forward, panda
from pi0bench.envs.physics.mujoco import MujocoWorld
from pi0bench.envs.pose import rot_of
from pi0bench.envs.scene import Scene
from pi0bench.errors import UsageError
from pi0bench.openpi.key_mapping import dialect, dialects
from pi0bench.policy.policy_protocol import Observation

HOME_RAD: Any = panda().home_rad.astype(np.float32)


def seen(side: int = 4) -> Observation:
    rng = np.random.default_rng(0)
    images = {n: rng.integers(0, 256, (side, side, 3), np.uint8) for n in ("front", "wrist")}
    felt = np.arange(13, dtype=np.float32)
    felt[9] = 0.06  # the opening
    return Observation(images, felt, "open the drawer", joints_rad=HOME_RAD)


def test_there_are_those_of_openpi() -> None:
    assert dialects() == ("aloha", "droid", "libero", "pi0bench")


def test_libero() -> None:
    sent = dialect("libero").message(seen())
    assert list(sent) == [
        "observation/image",
        "observation/wrist_image",
        "observation/state",
        "prompt",
    ]
    np.testing.assert_array_equal(sent["observation/image"], seen().images["front"][::-1, ::-1])
    state = sent["observation/state"]
    assert state.shape == (8,)
    tool = forward(HOME_RAD)
    np.testing.assert_allclose(state[:3], tool.pos_m, atol=1e-6)
    np.testing.assert_allclose(rot_of(state[3:6]), tool.rot, atol=1e-5)
    np.testing.assert_allclose(state[6:], [0.03, -0.03], atol=1e-7)
    theirs = np.array([[1.0, 0, 0, 0, 0, 0.3, -1.0], [0, 0, -0.6, 0, 0, 0, 1.0]])
    ours = dialect("libero").actions(theirs, seen())
    np.testing.assert_allclose(ours[0], [0.05 / 0.03, 0, 0, 0, 0, 0.3 * 0.5 / 0.15, 1.0])
    np.testing.assert_allclose(ours[1], [0, 0, -1.0, 0, 0, 0, -1.0])


def test_droid() -> None:
    spoken = dialect("droid")
    sent = spoken.message(seen())
    np.testing.assert_array_equal(sent["observation/joint_position"], HOME_RAD)
    np.testing.assert_allclose(sent["observation/gripper_position"], [0.25])
    theirs = np.tile([0.07, -0.03, 0.03, 0.1, 0, 0.03, -0.13, 1.0], (3, 1))
    rates = theirs[0, :7] * 0.2 * 15  # rad/s: 1 is 0.2 rad in one of its steps, 15 a second
    ours = spoken.actions(theirs, seen())
    assert ours[:, 6].tolist() == [-1, -1, -1]
    joints = HOME_RAD.astype(np.float64)
    tool, moved = forward(joints), forward(joints + 3 * rates / 20)
    np.testing.assert_allclose(ours[:, :3].sum(0) * 0.03, moved.pos_m - tool.pos_m, atol=1e-9)
    turned = tool.rot
    for row in ours:
        turned = rot_of(row[3:6] * 0.15) @ turned
    np.testing.assert_allclose(turned, moved.rot, atol=1e-9)


def trajectory() -> list[Observation]:
    """The tool points down and turns once to and fro, swaying a little."""
    start: Any = HOME_RAD.astype(np.float64)
    found = []
    for phase in np.linspace(0, 2 * np.pi, 200):
        sway = 0.02 * np.sin(phase * np.array([7, 11, 5, 9, 13, 3, 1]))
        joints_rad = start + sway + [0, 0, 0, 0, 0, 0, 1.9 * np.sin(phase)]
        found.append(replace(seen(), joints_rad=joints_rad.astype(np.float32)))
    return found


def test_a_state_never_jumps() -> None:
    for name in dialects():
        sent = [dialect(name).message(moment) for moment in trajectory()]
        for key in sent[0]:
            if isinstance(sent[0][key], np.ndarray) and sent[0][key].ndim == 1:
                jumps = np.abs(np.diff([message[key] for message in sent], axis=0))
                assert jumps.max() < 0.15, f"{name}: {key}"


def test_the_axis_angle_of_libero_is_that_of_the_engines_quaternion() -> None:
    """openpi's client turns MuJoCo's quaternion of the hand, of either sign, into an axis-angle."""
    world = MujocoWorld(Scene(panda().body, ()))
    hand = world._names["hand"]
    for moment in trajectory()[::10]:
        assert moment.joints_rad is not None
        world.set_arm(moment.joints_rad.astype(np.float64), 0.0)
        w, *axis = world._data.xquat[hand]
        theirs = 2 * np.arccos(w) * np.array(axis) / np.sqrt(1 - w * w)
        ours = dialect("libero").message(moment)["observation/state"][3:6]
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    world.close()


@pytest.mark.parametrize("kind", ["tool_delta", "joint_velocity"])
def test_a_servers_control_rate_makes_the_speed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mine.toml"
    theirs = np.array([[0.1, 0.2, -0.1, 0.1, -0.2, 0.1, 0.3, 0.0]])
    found = []
    for hz in (5, 10):
        path.write_text(f'{GOOD}kind = "{kind}"\nturn_rad = 0.01\ncontrol_hz = {hz}\n')
        found.append(dialect(str(path)).actions(theirs, seen())[0, :6])
    np.testing.assert_allclose(found[1], 2 * found[0], atol=2e-4)
    assert np.abs(found[0]).max() > 1e-3


def test_aloha() -> None:
    sent = dialect("aloha").message(seen())
    assert sent["images"].keys() == {"cam_high", "cam_right_wrist"}
    np.testing.assert_array_equal(sent["images"]["cam_high"][1], seen().images["front"][..., 1])
    assert sent["images"]["cam_high"].flags.c_contiguous
    assert sent["state"].shape == (14,)
    theirs = np.arange(28.0).reshape(2, 14)
    np.testing.assert_array_equal(dialect("aloha").actions(theirs, seen()), theirs[:, :7])


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'summary = "mine"\nimage_side = 96\nexecute = 2\n'
        '[observation]\nfeel = ["shut", "proprio"]\n[action]\nkind = "pi0bench"\n'
    )
    found = dialect(str(path))
    assert found.image_side == 96
    assert found.message(seen())["feel"].shape == (14,)


GOOD = 'summary = "x"\nimage_side = 64\nexecute = 8\n[observation]\na = ["front"]\n[action]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("summary = 3 4", "no mapping"),
        (GOOD, "missing 1 required"),
        (GOOD + 'kind = "magic"', 'no kind "magic"'),
        (GOOD + 'kind = "tool_delta"\ncontrol_hz = 0', "control_hz: a number above 0 would work"),
        (GOOD + 'kind = "tool_delta"\nmove_m = nan', "move_m: a number above 0 would work"),
        (GOOD + 'kind = "tool_delta"\nturn_rad = "1"', "turn_rad: a number above 0 would work"),
        (GOOD + 'kind = "tool_delta"\ngrip_shut = 1', "grip_open and grip_shut: two numbers"),
        (GOOD.replace("64", "9") + 'kind = "pi0bench"', "image_side: 16 to 640"),
        (GOOD.replace("8\n", "0\n") + 'kind = "pi0bench"', "execute: 1 or more"),
        (GOOD.replace("front", "frond") + 'kind = "pi0bench"', 'did you mean "front"'),
        (GOOD.replace('["front"]', '["front", "shut"]') + 'kind = "pi0bench"', "stand alone"),
        (GOOD.replace('["front"]', '"front"') + 'kind = "pi0bench"', "a list of names"),
        (GOOD.replace("[observation]", "turn = 1\n[observation]") + 'kind = "pi0bench"', "turn"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as told:
        dialect(str(path))
    assert str(path) in str(told.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        dialect(str(tmp_path / "none.toml"))
