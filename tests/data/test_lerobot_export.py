"""A dataset for LeRobot, read back by its documented layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from pi0bench.cli import main
from pi0bench.data import array_files, lerobot_export, record_demonstrations
from pi0bench.data import lerobot_layout as layout
from pi0bench.data.demonstration_reader import Recorded
from pi0bench.data.worlds.world import Disturbance
from pi0bench.envs.render.renderer_protocol import Camera, Image, Picture
from pi0bench.envs.render.tiny_renderer import TinyRenderer
from pi0bench.errors import UsageError
from pi0bench.task.task_files import task

SIDE = 32


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("lerobot")
    how = Disturbance(share=0.0)
    specs = [task("reach_cube"), task("press_button")]
    source = record_demonstrations.collect(specs, 2, home / "demos.npz", how=how, workers=1)
    return source, lerobot_export.export(source, home / "set", TinyRenderer(), SIDE)


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
    used = [0, 1, 2, 5, 6]  # these tasks' tool never tilts
    actions = np.stack(list(data["action"]))
    np.testing.assert_array_equal(actions[:, used], lived.arrays["actions"][:, used])
    assert 0 < np.abs(lived.arrays["actions"][:, 3:5]).max() < 1e-3
    assert not actions[:, 3:5].any()
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
    turned = [0, 1, 2, 5, 6]  # about x and y the hand only trembles, which the export leaves out
    mean, low = (np.array(stats["action"][name])[turned] for name in ("mean", "q01"))
    np.testing.assert_allclose(mean, actions[:, turned].mean(0), atol=1e-6)
    np.testing.assert_allclose(low, np.quantile(actions[:, turned], 0.01, axis=0), atol=1e-4)
    assert stats["action"]["count"] == [len(actions)]
    assert stats["action"]["std"][3:5] == [0.0, 0.0]
    info = json.loads((out / "meta" / "info.json").read_text())
    assert stats.keys() == info["features"].keys()
    assert all(len(found) == 10 for found in stats.values())


def test_each_episode_has_statistics_of_every_feature(recorded: tuple[Path, Path]) -> None:
    """As LeRobot needs them to delete, split and merge, in the shapes that it has."""
    source, out = recorded
    lived = Recorded(source)
    info = json.loads((out / "meta" / "info.json").read_text())
    stats = json.loads((out / "meta" / "stats.json").read_text())
    rows = parquet.read_table(out / "meta" / "episodes").to_pylist()
    for feature, kind in info["features"].items():
        shape = (3, 1, 1) if kind["dtype"] == "video" else tuple(kind["shape"])
        for name in stats[feature]:
            for row in rows:
                found = np.array(row[f"stats/{feature}/{name}"])
                assert found.shape == (shape if name != "count" else (1,)), (feature, name)
                assert np.isfinite(found).all()
        counts = [row[f"stats/{feature}/count"][0] for row in rows]
        means = [np.array(row[f"stats/{feature}/mean"]) for row in rows]
        mean = sum(c * m for c, m in zip(counts, means, strict=True)) / sum(counts)
        assert [sum(counts)] == stats[feature]["count"]
        np.testing.assert_allclose(mean, stats[feature]["mean"], atol=1e-6)
    for number, row in enumerate(rows):
        steps = range(0, lived.episodes[number]["steps"], 10)
        moments = [lived.scenery(number).moment(lived.row(number, step)) for step in steps]
        drawn = np.stack([m.images(TinyRenderer(), SIDE)["wrist"] for m in moments])
        pixels = drawn.reshape(-1, 3) / 255
        stated = {
            name: np.ravel(row[f"stats/observation.images.wrist/{name}"])
            for name in stats["action"]
        }
        assert stated.pop("count") == [len(steps)]
        for name, found in stated.items():
            share = float(f"0.{name[1:]}") if name[0] == "q" else 0
            true = np.quantile(pixels, share, 0) if share else getattr(pixels, name)(0)
            np.testing.assert_allclose(found, true, atol=1e-9, err_msg=name)


class Failing(TinyRenderer):
    """Draws so many pictures, and then breaks."""

    def __init__(self, pictures: float) -> None:
        super().__init__()
        self.left, self.drawn = pictures, 0

    def draw(self, picture: Picture, camera: Camera, height: int, width: int) -> Image:
        if self.drawn >= self.left:
            raise KeyboardInterrupt
        self.drawn += 1
        return super().draw(picture, camera, height, width)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_dataset_that_was_broken_off_is_continued(
    recorded: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "BLOCK", 1)
    found, about = array_files.read(recorded[0])
    about["episodes"] = about["episodes"][:2]
    steps = sum(row["steps"] for row in about["episodes"])
    few = {key: array[:steps] for key, array in found.items()}
    source = array_files.write(tmp_path / "few.npz", few, about)
    through = lerobot_export.export(source, tmp_path / "through", every := Failing(np.inf), SIDE)
    broken, drawn = tmp_path / "broken", 0
    for pictures in (5, 50, 45):
        renderer = Failing(pictures)
        with pytest.raises(KeyboardInterrupt):
            lerobot_export.export(source, broken, renderer, SIDE)
        assert not broken.exists()
        drawn += renderer.drawn
    lerobot_export.export(source, broken, rest := Failing(np.inf), SIDE)
    assert every.drawn < drawn + rest.drawn < 1.9 * every.drawn
    assert contents(broken) == contents(through)
    assert not [name for name in contents(broken) if "partial" in name]
    before = contents(broken)
    lerobot_export.export(source, broken, Failing(0), SIDE)  # nothing is left to do
    assert contents(broken) == before


def test_another_dataset_is_never_written_over(recorded: tuple[Path, Path], tmp_path: Path) -> None:
    source, out = recorded
    with pytest.raises(UsageError, match="exists already"):
        lerobot_export.export(source, out, Failing(0), SIDE + 2)
    found, about = array_files.read(source)
    other = array_files.write(tmp_path / "other.npz", found, {**about, "seed": 1})
    with pytest.raises(UsageError, match=r"made otherwise \(seed\)"):
        lerobot_export.export(other, out, Failing(0), SIDE)


def test_demonstrations_made_otherwise_are_not_exported(
    recorded: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(recorded[0], tmp_path / "set.npz")
    asked = f"demos --suite plain --episodes 1 --format lerobot --out {tmp_path / 'set'}"
    assert main(asked.split()) == 2
    assert "made otherwise" in capsys.readouterr().err


@pytest.mark.parametrize("side", [33, 8, 1000])
def test_sides_that_no_video_has_are_refused(tmp_path: Path, side: int) -> None:
    with pytest.raises(UsageError, match="--side"):
        lerobot_export.check(tmp_path / "new", side)


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = f"demos --suite plain --episodes 1 --format lerobot --out {tmp_path}"
    assert main(asked.split()) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["demos", "--format", "zarr"]) == 2
    assert 'no format "zarr"' in capsys.readouterr().err
