"""robosuite's tasks; skipped where the extra of that name is not installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pi0bench.cli import main
from pi0bench.errors import MachineError, UsageError
from pi0bench.records.run_folder import RunFolder
from pi0bench.robosuite.task import RobosuiteTask
from pi0bench.robosuite.task_spec import names


def test_an_unknown_task_is_told() -> None:
    with pytest.raises(UsageError, match='no task of robosuite "Lit"; did you mean "Lift"'):
        RobosuiteTask("Lit")


def test_without_robosuite_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pi0bench.robosuite.task.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install \"pi0bench\[robosuite\]\""):
        RobosuiteTask("Lift")


@pytest.fixture
def _there() -> None:
    pytest.importorskip("robosuite")


def states(name: str, number: int, steps: int = 25) -> np.ndarray:
    """Everything that moves, after random actions."""
    episode = RobosuiteTask(name).begin(0, number)
    rng = np.random.default_rng(number)
    for _ in range(steps):
        episode.step(rng.uniform(-1, 1, 7))
    data, felt = episode.stage.data, episode.observe(None, 0, 0).proprio
    episode.close()
    return np.concatenate([data.qpos, data.qvel, felt])


@pytest.mark.usefixtures("_there")
@pytest.mark.parametrize("name", names())
def test_an_episode_does_not_depend_on_those_before(name: str) -> None:
    first, other, again = states(name, 3), states(name, 4), states(name, 3)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.usefixtures("_there")
@pytest.mark.parametrize("name", names())
def test_the_expert_succeeds(name: str) -> None:
    for number in range(2):
        episode = RobosuiteTask(name).begin(0, number)
        assert not episode.succeeded
        while not episode.over:
            action = episode.expert_action()
            assert (np.abs(action) <= 1).all()
            episode.step(action)
        assert episode.succeeded
        episode.close()


@pytest.mark.usefixtures("_there")
def test_pictures_show_the_task() -> None:
    episode = RobosuiteTask("Lift").begin(0, 0)
    try:
        seen = episode.observe(None, 64, 0)
    except MachineError:
        pytest.skip("no OpenGL")
    assert {name: image.shape for name, image in seen.images.items()} == {
        "front": (64, 64, 3),
        "wrist": (64, 64, 3),
    }
    for image in seen.images.values():
        red = (image[..., 0] > 120) & (image[..., 1] < 80)
        assert 4 < red.sum() < 600
    assert seen.proprio.shape == (13,)
    tool = episode.stage.tool()
    np.testing.assert_allclose(seen.proprio[:3], tool.pos_m, atol=1e-6)
    episode.close()


@pytest.mark.usefixtures("_there")
def test_the_suite_runs_like_ours(tmp_path: Path) -> None:
    out = tmp_path / "run"
    asked = f"run --policy expert random --task robosuite/Lift --episodes 3 --no-video --out {out}"
    assert main([*asked.split(), "--workers", "2"]) == 0
    records = RunFolder(out).records()
    assert [r.status for r in records] == ["success"] * 3 + ["failure"] * 3
    assert {(r.cell.engine, r.cell.renderer) for r in records} == {("robosuite", "own")}
    assert main(["verify", str(out), "--episodes", "4"]) == 0
