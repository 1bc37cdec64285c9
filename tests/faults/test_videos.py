"""No trouble with videos touches a result."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pi0bench.evaluate import film_drawing
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from pi0bench.report import rollout_videos
from pi0bench.report.rollout_videos import write_video
from tests.report.test_rollout_videos import frames
from tests.runs import run


@pytest.fixture(autouse=True)
def fresh_warnings() -> None:
    rollout_videos._warn_once.cache_clear()


def test_without_ffmpeg_there_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.warns(UserWarning, match="no videos, results are unaffected"):
        assert not write_video(tmp_path / "a.mp4", frames(2), 20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not write_video(tmp_path / "a.mp4", frames(2), 20)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("script", ["exit 3", "cat >/dev/null; echo full >&2; exit 3"])
def test_a_failing_ffmpeg_leaves_no_video(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(fake))
    with pytest.warns(UserWarning, match="ffmpeg ended with 3"):
        assert not write_video(tmp_path / "out" / "a.mp4", frames(40), 20)
    assert not list((tmp_path / "out").iterdir())


def test_a_run_without_ffmpeg_has_everything_but_videos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    monkeypatch.setattr(film_drawing, "FILM_PX", (36, 48))
    settings = Settings(("expert", "zero"), ("reach_cube",), renderer="tiny", episodes=1)
    assert run(settings, tmp_path / "unasked", How(video=False), console) == 0
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.warns(UserWarning, match="no videos, results are unaffected") as caught:
        assert run(settings, tmp_path / "without", How(), console) == 0
    assert len(caught) == 1
    assert "Making 2 videos." in console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert not (tmp_path / "without" / "videos").exists()
    one, other = (tmp_path / name / "episodes.jsonl" for name in ("unasked", "without"))
    assert one.read_bytes() == other.read_bytes()
    assert (tmp_path / "without" / "table.md").exists()


def test_what_is_left_of_a_video_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill leaves the file as far as it came, but not where a video is looked for."""

    def killed(exe: str, path: Path, *_: Any) -> None:
        path.write_bytes(b"half")
        monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
        raise KeyboardInterrupt

    monkeypatch.setattr(rollout_videos, "_encode", killed)
    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "a.mp4", frames(2), 20)
    monkeypatch.undo()
    assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.glob("*.mp4"))
    assert write_video(tmp_path / "a.mp4", frames(2), 20)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
