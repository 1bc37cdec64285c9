from __future__ import annotations

import sys
from pathlib import Path

import gymnasium
import pytest

from pi0bench.cli import main
from pi0bench.records.run_folder import RunFolder

ASKED = "run --policy zero random --env-id CartPole-v1 --episodes 12 --no-video --out"


@pytest.mark.parametrize("how", ["--executor inline --batch 5", "--workers 2"])
def test_a_gymnasium_environment_is_measured_like_a_task(tmp_path: Path, how: str) -> None:
    whole, again = tmp_path / "whole", tmp_path / "again"
    assert main([*ASKED.split(), str(whole), "--executor", "inline"]) == 0
    assert main([*ASKED.split(), str(again), *how.split()]) == 0
    records = RunFolder(whole).records()
    assert len(records) == 24
    assert {record.status for record in records} == {"failure"}  # 475 steps are a success
    assert len({record.length for record in records}) > 5
    assert {record.cell.engine for record in records} == {"gymnasium"}
    assert (again / "episodes.jsonl").read_bytes() == (whole / "episodes.jsonl").read_bytes()
    assert "gymnasium/CartPole-v1" in (whole / "table.md").read_text()
    assert main(["verify", str(whole), "--episodes", "6"]) == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("--task reach_cube", "several worlds"),
        ("--variation light-2", "only the benchmark's own tasks can be varied"),
    ],
)
def test_worlds_are_not_mixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str, said: str
) -> None:
    assert main([*ASKED.split(), str(tmp_path / "run"), *more.split()]) == 2
    assert said in capsys.readouterr().err


def test_a_policy_that_needs_pictures_that_are_not_there_is_at_fault(tmp_path: Path) -> None:
    out = tmp_path / "run"
    asked = f"run --policy pi0 --env-id CartPole-v1 --episodes 2 --no-video --out {out}"
    assert main([*asked.split(), "--executor", "inline"]) == 0
    faults = [(record.status, record.fault) for record in RunFolder(out).records()]
    assert faults == [("policy_fault", "KeyError: 'front'")] * 2


HALL = """
import gymnasium, numpy as np
from gymnasium import spaces

class Hall(gymnasium.Env):
    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}
    observation_space, action_space = spaces.Box(-9, 9, (1,)), spaces.Box(-1.0, 1.0, (1,))

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = self.np_random.uniform(-1, 1)
        return np.array([self.x], np.float32), {}

    def step(self, action):
        self.x += float(action[0])
        return np.array([self.x], np.float32), 0.0, False, False, {"is_success": abs(self.x) < 0.3}

    def render(self):
        return np.full((16, 16), min(1.0, abs(self.x)))

gymnasium.register("halls/Hall-v2", Hall, max_episode_steps=9)
"""


@pytest.mark.parametrize("success", ["end", "once"])
def test_an_environment_of_a_module_is_measured_by_workers_too(
    success: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "halls.py").write_text(HALL)
    monkeypatch.syspath_prepend(tmp_path)
    out = tmp_path / "run"
    ids = "--env-id halls:halls/Hall-v2 halls:halls/Hall"  # one environment under two names
    asked = f"run --policy random {ids} --success {success} --episodes 12 --workers 2 --out {out}"
    try:
        assert main(asked.split()) == 0
        name = "gymnasium/halls:halls/Hall-v2" + "?success=once" * (success == "once")
        records = RunFolder(out).records()
        assert [record.cell.task for record in records] == [name] * 12
        ended = {record.length for record in records if record.status == "success"}
        assert (min(ended) < 9) if success == "once" else (ended == {9})
        assert f"| {name} |" in (out / "table.md").read_text()
        assert list((out / "videos").iterdir())
        assert main(["verify", str(out), "--episodes", "4", "--workers", "1"]) == 0
    finally:
        gymnasium.registry.pop("halls/Hall-v2", None)
        sys.modules.pop("halls", None)
