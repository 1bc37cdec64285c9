"""Training from files alone: a tiny card, a tiny data set, weights that load again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pi0bench.content import folders
from pi0bench.data.array_files import read, write
from pi0bench.data.training_arrays import Chunks, Scenes
from pi0bench.errors import UsageError
from pi0bench.policy import weights_file
from pi0bench.policy.learned_policy import load_policy
from pi0bench.policy.network_loader import load_keypoint_encoder
from pi0bench.policy.policy_folders import CARD, EYES_CARD
from pi0bench.policy.policy_protocol import Observation
from pi0bench.train import keypoint_training, policy_training
from pi0bench.version import version

LOOKS = {"bowl": 0.0, "red cube": 0.02}
TRUNKS = ("pi0", "bc", "rt1", "fast", "openvla", "nflow")
POLICIES = (*TRUNKS, "diffusion_policy", "act", "dp3")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> Path:
    """A content folder of its own with the cards of eyes and some policies, made small."""
    for name, file in (("eyes", EYES_CARD), *((name, CARD) for name in POLICIES)):
        (tmp_path / "policies" / name).mkdir(parents=True)
        text = (folders.folder("policies") / name / file).read_text()
        for key, value in {"steps": 12, "batch": 4, "width": 4, "held_out": 4, "depth": 1}.items():
            lines = [line for line in text.splitlines() if not line.startswith("learns")]
            lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in lines]
            text = "\n".join(lines)
        (tmp_path / "policies" / name / file).write_text(text)
    (tmp_path / "envs").symlink_to(folders.folder("envs"))
    monkeypatch.setattr(folders, "root", lambda: tmp_path)
    return tmp_path


def scenes(folder: Path, count: int = 12, side: int = 64) -> list[Path]:
    from pi0bench.envs.cameras import calibration

    rng = np.random.default_rng(0)
    about = {"looks": LOOKS, "side": side, "calibration": calibration(), "seed": 0}
    arrays: dict[str, Any] = {
        "images": rng.integers(0, 255, (count, 2, side, side, 3), np.uint8),
        "proprio": rng.normal(0, 1, (count, 13)).astype(np.float32),
        "present": rng.random((count, 2)) < 0.9,
        "pos_m": rng.normal(0.3, 0.1, (count, 2, 3)).astype(np.float32),
        "turn": rng.normal(0, 1, (count, 2, 2)).astype(np.float32),
        "pixel": rng.uniform(-1, 1, (count, 2, 2, 2)).astype(np.float32),
    }
    return [write(folder / "0.npz", arrays, about)]


def features(
    path: Path,
    count: int = 16,
    eyes: str = "none",
    looks: Sequence[str] = tuple(LOOKS),
    demonstrations: int = 4,
) -> Path:
    rng = np.random.default_rng(0)
    about = {
        "sentences": ["put the red cube in the bowl", "touch the red cube"],
        "looks": list(looks),
        "eyes": eyes,
        "tasks": {"cube_in_bowl": "0"},
        "episodes": [
            {"task": "cube_in_bowl", "mode": ("left", "right", "left", "")[n % 4], "episode": n}
            for n in range(demonstrations)
        ],
    }
    arrays = {
        "features": rng.normal(0, 1, (count, len(looks), 10)).astype(np.float32),
        "proprio": rng.normal(0, 1, (count, 13)).astype(np.float32),
        "actions": rng.uniform(-1, 1, (count, 16, 7)).astype(np.float32),
        "valid": rng.random((count, 16)) < 0.9,
        "said": rng.integers(0, 2, count),
        "episode": np.arange(count) % demonstrations,
    }
    return write(path, arrays, about)


def test_what_is_trained_loads_and_plans_and_is_made_again_to_the_bit(home: Path) -> None:
    eyes = keypoint_training.fit_eyes("eyes", scenes(home / "scenes"), home / "work" / "eyes", None)
    data = features(home / "features.npz", eyes=weights_file.digest(eyes))
    path = policy_training.fit_policy("pi0", data, home / "work" / "pi0", None)
    first = path.read_bytes()
    policy = load_policy(home / "policies" / "pi0")
    images = {name: np.zeros((64, 64, 3), np.uint8) for name in ("front", "wrist")}
    seen = Observation(images, np.zeros(13, np.float32), "touch the red cube")
    plan = policy.plan([seen], [np.random.default_rng(0)], 3, "euler")
    assert plan.actions.shape == (1, 16, 7)
    assert plan.trunk_evaluations == 3
    shutil.rmtree(home / "work" / "pi0")
    policy_training.fit_policy("pi0", home / "features.npz", home / "work" / "pi0", None)
    assert path.read_bytes() == first


def test_snapshots_are_policies_of_a_content_folder(home: Path) -> None:
    eyes = keypoint_training.fit_eyes("eyes", scenes(home / "scenes"), home / "work" / "eyes", None)
    data = features(home / "features.npz", eyes=weights_file.digest(eyes))
    path = policy_training.fit_policy("pi0", data, home / "work", snapshots=home / "snapshots")
    folder = home / "snapshots" / "policies"
    assert sorted(kept.name for kept in folder.iterdir()) == ["pi0_at_1", "pi0_at_3", "pi0_at_6"]
    last = weights_file.read(path)[0]
    for kept in folder.iterdir():
        assert load_policy(kept).name == kept.name
        tensors = weights_file.read(kept / path.name)[0]
        assert tensors.keys() == last.keys()
        assert any(not torch.equal(x, last[name]) for name, x in tensors.items())


@pytest.mark.parametrize("at_once", [1, 2])
def test_policies_trained_side_by_side_are_those_of_their_cards(home: Path, at_once: int) -> None:
    eyes = keypoint_training.fit_eyes("eyes", scenes(home / "scenes"), home / "work" / "eyes", None)
    data = features(home / "features.npz", eyes=weights_file.digest(eyes))
    said: list[str] = []
    names: dict[str, Path] = dict.fromkeys(TRUNKS, data)
    made = list(policy_training.fit_policies(names, "cpu", at_once, said.append))
    assert [path.parent.name for path in made] == list(TRUNKS)
    images = {name: np.zeros((64, 64, 3), np.uint8) for name in ("front", "wrist")}
    seen = Observation(images, np.zeros(13, np.float32), "touch the red cube")
    for name in TRUNKS:
        policy = load_policy(home / "policies" / name)
        solver = (*policy.traits.solvers, "")[0]
        plan = policy.plan([seen], [np.random.default_rng(0)], 3, solver)
        assert np.isfinite(plan.actions).all()
        assert any(line.startswith(f"{name}: loss") for line in said)


def points(path: Path, count: int = 16) -> Path:
    source = features(path.with_name("features.npz"), count)
    arrays, about = read(source)
    rng = np.random.default_rng(0)
    arrays["xyz"] = rng.random((count, 512, 3)).astype(np.float16)
    arrays["rgb"] = rng.integers(0, 255, (4, 512, 3), np.uint8)
    kept = {key: about[key] for key in about if key not in ("looks", "eyes")}
    return write(path, {k: x for k, x in arrays.items() if k != "features"}, kept)


@pytest.mark.parametrize("name", ["diffusion_policy", "act"])
def test_an_architecture_of_its_own_is_trained_and_plans(home: Path, name: str) -> None:
    eyes = keypoint_training.fit_eyes("eyes", scenes(home / "scenes"), home / "work" / "eyes", None)
    data = features(home / "features.npz", eyes=weights_file.digest(eyes))
    policy_training.fit_policy(name, data, home / "work" / name, None)
    policy = load_policy(home / "policies" / name)
    images = {camera: np.zeros((64, 64, 3), np.uint8) for camera in ("front", "wrist")}
    seen = Observation(images, np.zeros(13, np.float32), "touch the red cube")
    solver = (*policy.traits.solvers, "")[0]
    plan = policy.plan([seen], [np.random.default_rng(0)], 3, solver)
    assert plan.actions.shape == (1, 16, 7)
    assert plan.trunk_evaluations == (1 if name == "act" else 3)
    assert [*plan.spent_ms] == ["eyes", "prefix", "sampler"]
    assert policy.traits.steps == (0 if name == "act" else 12)


def test_points_are_learned_from_without_eyes(home: Path) -> None:
    data = points(home / "points.npz")
    batch = Chunks(data, 12).gather(np.array([3, 0]))
    arrays, _ = read(data)
    assert batch["points"].shape == (2, 512, 6)
    assert np.array_equal(batch["points"][0, :, :3].numpy(), arrays["xyz"][3])
    assert np.array_equal(batch["points"][1, :, 3:].numpy() * 255, arrays["rgb"][0])
    policy_training.fit_policy("dp3", data, home / "work" / "dp3", None)
    policy = load_policy(home / "policies" / "dp3")
    assert (policy.traits.image_side, policy.traits.points) == (0, 512)
    seen = Observation({}, np.zeros(13, np.float32), "touch it", points=batch["points"][0].numpy())
    plan = policy.plan([seen], [np.random.default_rng(0)], 3, "ddim")
    assert plan.actions.shape == (1, 16, 7)
    assert plan.trunk_evaluations == 3


def test_a_policy_that_learned_from_other_eyes_is_refused(home: Path) -> None:
    keypoint_training.fit_eyes("eyes", scenes(home / "scenes"), home / "work" / "eyes", None)
    policy_training.fit_policy("pi0", features(home / "features.npz"), home / "work" / "pi0", None)
    with pytest.raises(UsageError, match=r"learned from other eyes than .*; pi0bench train pi0"):
        load_policy(home / "policies" / "pi0")


def test_weights_remember_what_they_were_trained_on(home: Path) -> None:
    path = policy_training.fit_policy("pi0", features(home / "features.npz"), home / "work", None)
    _, about = weights_file.read(path)
    assert about["keypoints"] == list(LOOKS)
    assert "touch" in about["vocabulary"]
    assert about["windows"] == 16
    assert len(about["actions"]["std"]) == 7
    assert about["modes"] == {"cube_in_bowl": {"left": 2, "right": 1}}
    assert about["made_by"]["instructions"] == torch.backends.cpu.get_cpu_capability().lower()
    recipe = about["recipe"]
    assert recipe["card"] == (home / "policies" / "pi0" / CARD).read_text()
    assert recipe["data"] == weights_file.digest(home / "features.npz")
    assert (recipe["version"], recipe["seed"]) == (version(), 0)
    assert [step for step, _ in recipe["learning_curve"]] == [10, 12]


def test_training_from_files_needs_torch_numpy_and_safetensors_only() -> None:
    code = """
import sys
import pi0bench.train.policy_training
others = {"mujoco", "pybullet", "scipy", "matplotlib", "rich", "tyro", "imageio", "PIL"}
print(sorted(others & {name.split(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_eyes_learn_where_in_the_hand_things_are(home: Path) -> None:
    data = scenes(home / "scenes")
    keypoint_training.fit_eyes("eyes", data, home / "work" / "eyes", None)
    encoder = load_keypoint_encoder("eyes")
    batch = Scenes(data).gather(np.arange(4))
    generator = torch.Generator().manual_seed(0)
    keypoint_training.keypoint_loss(encoder, batch, generator).backward()
    learned = encoder.correction.weight.grad
    assert learned is not None
    assert learned[7:10].abs().max() > 0, (
        "the place in the hand, after three numbers each for others"
    )
