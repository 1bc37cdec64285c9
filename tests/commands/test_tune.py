"""`pi0bench tune`, from a card to a table of trials."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pi0bench.api.tuning import TRIALS
from pi0bench.cli import main
from pi0bench.content import folders
from pi0bench.policy import weights_file
from pi0bench.policy.learned_policy import load_keypoint_encoder
from pi0bench.policy.policy_folders import CARD, WEIGHTS
from tests.train.test_policy_training import features


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of content with a small policy."""
    monkeypatch.setenv(folders.EXTRA, "")
    lines = (folders.folder("policies") / "bc" / CARD).read_text().splitlines()
    lines = [line for line in lines if not line.startswith(("learns", "group"))]
    for key, value in {"steps": 24, "batch": 4, "depth": 1}.items():
        lines = [f"{key} = {value}" if x.startswith(f"{key} =") else x for x in lines]
    home = tmp_path / "content" / "policies" / "small"
    home.mkdir(parents=True)
    (home / CARD).write_text("\n".join(lines))
    return tmp_path / "content"


@pytest.mark.slow
def test_every_trial_is_trained_and_judged_once(
    content: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    eyes = folders.folder("policies") / "eyes" / WEIGHTS
    looks = load_keypoint_encoder("eyes").keypoints
    digest = weights_file.digest(eyes)
    source = features(tmp_path / "features.npz", 80, digest, looks, demonstrations=40)
    words = ["tune", "small", "--suite", "tilt", "--episodes", "1", "--workers", "2"]
    words += ["--content", f"{content}", "--features", f"{source}", "--out", f"{tmp_path / 'out'}"]
    words += ["--data", f"{tmp_path / 'data'}"]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "small: lr = " in said
    found = pd.read_csv(tmp_path / "out" / TRIALS)
    assert sorted(zip(found["lr"], found["muon_lr"], strict=True))[1:] == [
        *((3e-3, rate) for rate in (1e-3, 3e-3, 1e-2))
    ]
    assert found["best"].tolist().count(True) == 1
    assert min(found["error"].tolist()) > 0
    assert set(found["n"]) == {3}
    trials = sorted((tmp_path / "out" / "policies").iterdir())
    recipes = [weights_file.read(home / WEIGHTS)[1]["recipe"] for home in trials]
    assert [made["learning_curve"][-1][0] for made in recipes] == 4 * [6]
    times = [(home / WEIGHTS).stat().st_mtime_ns for home in trials]
    assert main(words) == 0
    assert [(home / WEIGHTS).stat().st_mtime_ns for home in trials] == times
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / TRIALS), found)


def test_what_is_wrong_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune"]) == 2
    assert "tune: name a folder of policies/, or a --group" in capsys.readouterr().err
    assert main(["tune", "pi_0"]) == 2
    assert 'no policy "pi_0"; did you mean "pi0"' in capsys.readouterr().err
