"""A dataset for LeRobot, read back by its documented layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest

from pi0bench.cli import main
from pi0bench.envs.render.tiny import TinyRenderer
from pi0bench.errors import UsageError
from pi0bench.tasks.load import task
from pi0bench.train import demos, lerobot
from pi0bench.train.recorded import Recorded
from pi0bench.train.worlds.world import Disturbance

SIDE = 32


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("lerobot")
    how = Disturbance(share=0.0)
    specs = [task("reach_cube"), task("press_button")]
    source = demos.collect(specs, 2, home / "demos.npz", how=how, workers=1)
    return source, lerobot.export(source, home / "set", TinyRenderer(), SIDE)


def test_every_number_is_where_the_layout_says(recorded: tuple[Path, Path]) -> None:
    source, out = recorded
    lived = Recorded(source)
    info = json.loads((out / "meta" / "info.json").read_text())
    data = pd.read_parquet(out / info["data_path"].format(chunk_index=0, file_index=0))
    episodes = pd.read_parquet(out / "meta" / "episodes" / "chunk-000" / "file-000.parquet")
    tasks = pd.read_parquet(out / "meta" / "tasks.parquet")
    total = len(lived.arrays["width_m"])
    assert info["total_episodes"] == len(episodes) == 4
    assert info["total_frames"] == len(data) == total
    assert set(data.columns) == {k for k, f in info["features"].items() if f["dtype"] != "video"}
    np.testing.assert_array_equal(np.stack(list(data["action"])), lived.arrays["actions"])
    np.testing.assert_array_equal(
        np.stack(list(data["observation.state"])), lived.arrays["proprio"]
    )
    assert data["index"].tolist() == list(range(total))
    rows: list[dict[str, Any]] = episodes.to_dict("records")  # pyright: ignore
    for number, row in enumerate(rows):
        own = data.iloc[row["dataset_from_index"] : row["dataset_to_index"]]
        assert set(own["episode_index"]) == {number} == {row["episode_index"]}
        assert len(own) == row["length"]
        np.testing.assert_allclose(own["timestamp"], np.arange(len(own)) / 20, atol=1e-6)
        (said,) = row["tasks"]
        assert set(own["task_index"]) == {tasks.loc[said].task_index}
        assert said == lived.episodes[number]["says"]
        np.testing.assert_allclose(row["stats/action/max"], np.stack(list(own["action"])).max(0))


def test_the_videos_hold_every_step_of_every_episode(recorded: tuple[Path, Path]) -> None:
    source, out = recorded
    lived = Recorded(source)
    info = json.loads((out / "meta" / "info.json").read_text())
    episodes = pd.read_parquet(out / "meta" / "episodes" / "chunk-000" / "file-000.parquet")
    for camera in ("front", "wrist"):
        key = f"observation.images.{camera}"
        path = out / info["video_path"].format(video_key=key, chunk_index=0, file_index=0)
        frames = np.stack(list(iio.imiter(path)))
        assert frames.shape == (info["total_frames"], SIDE, SIDE, 3)
        assert episodes[f"videos/{key}/to_timestamp"].iloc[-1] == pytest.approx(len(frames) / 20)
        start = round(20 * episodes[f"videos/{key}/from_timestamp"].iloc[2])
        moment = lived.scenery(2).moment(lived.row(2, 0))
        drawn = moment.images(TinyRenderer(), SIDE)[camera]
        off = np.abs(frames[start].astype(int) - drawn.astype(int)).mean()
        before = np.abs(frames[start - 1].astype(int) - drawn.astype(int)).mean()
        assert off < 6 < before, "the episode's first frame is not where its timestamp says"


def test_statistics_are_those_of_the_data(recorded: tuple[Path, Path]) -> None:
    source, out = recorded
    stats = json.loads((out / "meta" / "stats.json").read_text())
    actions = Recorded(source).arrays["actions"]
    np.testing.assert_allclose(stats["action"]["mean"], actions.mean(0), atol=1e-6)
    np.testing.assert_allclose(
        stats["action"]["q01"], np.quantile(actions, 0.01, axis=0), atol=1e-6
    )
    assert stats["action"]["count"] == [len(actions)]
    picture = stats["observation.images.front"]
    assert np.shape(picture["mean"]) == np.shape(picture["std"]) == (3, 1, 1)
    assert 0 <= np.min(picture["min"]) < np.max(picture["max"]) <= 1


@pytest.mark.parametrize("side", [33, 8, 1000])
def test_sides_that_no_video_has_are_refused(tmp_path: Path, side: int) -> None:
    with pytest.raises(UsageError, match="--side"):
        lerobot.check(tmp_path / "new", side)


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = f"demos --suite plain --episodes 1 --format lerobot --out {tmp_path}"
    assert main(asked.split()) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["demos", "--format", "zarr"]) == 2
    assert 'no format "zarr"' in capsys.readouterr().err
