from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pi0bench.data.lerobot_videos import _encode
from pi0bench.records.record import Cell, Record
from pi0bench.report.rollout_videos import choose, write_video

Cells = Callable[..., Cell]
Records = Callable[..., Record]


def frames(count: int, height: int = 64, width: int = 96) -> list[NDArray[np.uint8]]:
    return [np.full((height, width, 3), 20 * i % 256, dtype=np.uint8) for i in range(count)]


def test_a_video_comes_back_frame_by_frame(tmp_path: Path) -> None:
    import imageio.v3 as iio

    path = tmp_path / "sub" / "a.mp4"
    assert write_video(path, iter(frames(10)), 12.5)
    shown = np.asarray(iio.imread(path))
    assert shown.shape == (10, 64, 96, 3)
    assert np.allclose(shown.mean(axis=(1, 2, 3)), np.arange(10) * 20, atol=4)
    assert iio.immeta(path)["fps"] == 12.5
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]


def test_equal_frames_are_equal_files(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", frames(4), 20)
    write_video(tmp_path / "b.mp4", frames(4), 20)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_no_frames_no_video(tmp_path: Path) -> None:
    assert not write_video(tmp_path / "a.mp4", [], 20)
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_simulator_is_not_swallowed(tmp_path: Path) -> None:
    def broken() -> Iterator[NDArray[np.uint8]]:
        yield from frames(1)
        raise RuntimeError("no GL")

    with pytest.raises(RuntimeError, match="no GL"):
        write_video(tmp_path / "a.mp4", broken(), 20)


def test_the_choice_follows_its_rule(make_cell: Cells, make_record: Records) -> None:
    def outcome(status: str, episode: int, **changes: object) -> Record:
        return make_record(make_cell(episode, **changes), status)

    records = [
        outcome("success", 0, steps=2),
        outcome("success", 4),
        outcome("failure", 5),
        outcome("success", 3, engine="pybullet"),
        outcome("success", 3),
        outcome("policy_fault", 2),
        outcome("infra_error", 1),
        outcome("failure", 0, task="pick", steps=2),
        outcome("success", 6, policy="ddim", steps=5),
    ]
    expected = [records[8], records[7], records[4], records[5]]
    assert choose(records) == expected
    assert choose(records[::-1]) == expected


def test_each_variation_has_its_own_videos(make_cell: Cells, make_record: Records) -> None:
    records = [
        make_record(make_cell(episode, variation=name), status)
        for name in ("nominal", "light-2")
        for episode, status in enumerate(["success", "success", "failure"])
    ]
    chosen = [(r.cell.variation, r.cell.episode) for r in choose(records)]
    assert chosen == [("light-2", 0), ("light-2", 2), ("nominal", 0), ("nominal", 2)]


@pytest.mark.parametrize(
    "name", ["data:v1", "-lr", "pipe:1", "concat:a|b", "file:x", "%03d", "a?b"]
)
def test_no_name_is_a_protocol_or_an_option_of_ffmpeg(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_video(Path(name) / f"{name}.mp4", frames(2), 20)
    assert (tmp_path / name / f"{name}.mp4").read_bytes()[4:8] == b"ftyp"
    dataset = Path(f"{name}-dataset.mp4")
    _encode(dataset, iter([np.zeros((16, 16, 3), np.uint8)] * 2), 16)
    assert dataset.read_bytes()[4:8] == b"ftyp"
