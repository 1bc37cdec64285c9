"""Training from files alone: a tiny card, a tiny data set, weights that load again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pi0bench import content
from pi0bench.errors import UsageError
from pi0bench.policies import card as cards
from pi0bench.policies.learned import load_policy
from pi0bench.policies.policy import Observation
from pi0bench.train import make
from pi0bench.train.arrays import write

LOOKS = {"bowl": 0.0, "red cube": 0.02}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content folder of its own with the cards of eyes and pi0, made small."""
    torch.set_num_threads(1)
    for name, file in (("eyes", cards.EYES_CARD), ("pi0", cards.CARD)):
        (tmp_path / "policies" / name).mkdir(parents=True)
        text = (content.folder("policies") / name / file).read_text()
        for key, value in {"steps": 12, "batch": 4, "width": 4, "held_out": 4, "depth": 1}.items():
            lines = text.splitlines()
            lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in lines]
            text = "\n".join(lines)
        (tmp_path / "policies" / name / file).write_text(text)
    (tmp_path / "envs").symlink_to(content.folder("envs"))
    monkeypatch.setattr(content, "root", lambda: tmp_path)
    return tmp_path


def scenes(folder: Path, count: int = 12, side: int = 32) -> list[Path]:
    from pi0bench.envs.cameras import calibration

    rng = np.random.default_rng(0)
    about = {"looks": LOOKS, "side": side, "calibration": calibration(), "seed": 0}
    arrays: dict[str, Any] = {
        "images": rng.integers(0, 255, (count, 2, side, side, 3), np.uint8),
        "proprio": rng.normal(0, 1, (count, 10)).astype(np.float32),
        "present": rng.random((count, 2)) < 0.9,
        "pos_m": rng.normal(0.3, 0.1, (count, 2, 3)).astype(np.float32),
        "turn": rng.normal(0, 1, (count, 2, 2)).astype(np.float32),
        "pixel": rng.uniform(-1, 1, (count, 2, 2, 2)).astype(np.float32),
    }
    return [write(folder / "0.npz", arrays, about)]


def features(path: Path, count: int = 16, eyes: str = "none") -> Path:
    rng = np.random.default_rng(0)
    about = {
        "sentences": ["put the red cube in the bowl", "touch the red cube"],
        "looks": LOOKS,
        "eyes": eyes,
        "tasks": {"cube_in_bowl": "0"},
        "episodes": [
            {"task": "cube_in_bowl", "mode": mode} for mode in ("left", "right", "left", "")
        ],
    }
    arrays = {
        "features": rng.normal(0, 1, (count, 2, 11)).astype(np.float32),
        "proprio": rng.normal(0, 1, (count, 10)).astype(np.float32),
        "actions": rng.uniform(-1, 1, (count, 16, 7)).astype(np.float32),
        "valid": rng.random((count, 16)) < 0.9,
        "said": rng.integers(0, 2, count),
    }
    return write(path, arrays, about)


def test_what_is_trained_loads_and_plans_and_is_made_again_to_the_bit(home: Path) -> None:
    eyes = make.fit_eyes("eyes", scenes(home / "scenes"), home / "work" / "eyes", None)
    data = features(home / "features.npz", eyes=cards.digest(eyes))
    path = make.fit_policy("pi0", data, home / "work" / "pi0", None)
    first = path.read_bytes()
    policy = load_policy(home / "policies" / "pi0")
    images = {name: np.zeros((64, 64, 3), np.uint8) for name in ("front", "wrist")}
    seen = Observation(images, np.zeros(10, np.float32), "touch the red cube")
    plan = policy.plan([seen], [np.random.default_rng(0)], 3, "euler")
    assert plan.actions.shape == (1, 16, 7)
    assert plan.trunk_evaluations == 3
    shutil.rmtree(home / "work" / "pi0")
    make.fit_policy("pi0", home / "features.npz", home / "work" / "pi0", None)
    assert path.read_bytes() == first


def test_a_policy_that_learned_from_other_eyes_is_refused(home: Path) -> None:
    make.fit_eyes("eyes", scenes(home / "scenes"), home / "work" / "eyes", None)
    make.fit_policy("pi0", features(home / "features.npz"), home / "work" / "pi0", None)
    with pytest.raises(UsageError, match=r"learned from other eyes than .*; pi0bench train pi0"):
        load_policy(home / "policies" / "pi0")


def test_weights_remember_what_they_were_trained_on(home: Path) -> None:
    path = make.fit_policy("pi0", features(home / "features.npz"), home / "work", None)
    _, about = cards.weights(path)
    assert about["looks"] == LOOKS
    assert "touch" in about["vocabulary"]
    assert about["windows"] == 16
    assert len(about["actions"]["scale"]) == 7
    assert about["modes"] == {"cube_in_bowl": {"left": 2, "right": 1}}


def test_training_from_files_needs_torch_numpy_and_safetensors_only() -> None:
    code = """
import sys
from pi0bench.train import make
others = {"mujoco", "pybullet", "scipy", "matplotlib", "rich", "tyro", "imageio", "PIL"}
print(sorted(others & {name.split(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
