"""Whatever goes wrong beside a run's episodes, their records and their table are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.errors import UsageError
from pi0bench.evaluate import run as runs
from pi0bench.evaluate import run_output, worker
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from pi0bench.records.chunk_quality import read as read_quality
from tests.evaluate.test_run import said
from tests.runs import run

SETTINGS = Settings(("scripted",), ("reach_cube",), renderer="tiny", episodes=2, steps=(1, 2))


def at_100(harm: Any) -> Any:
    """Acts soundly, but for the comparison of chunks with those of 100 steps."""

    def act(observations: Any, noise: Any, steps: int) -> Any:
        actions = np.zeros((len(observations), 8, 7))
        if steps < 100:
            return actions
        if isinstance(harm, BaseException):
            raise harm
        return harm(actions)

    return act


def whole(out: Path, console: Console, **how: Any) -> str:
    """The table of a run, which must have ended well, and what it said."""
    assert run(SETTINGS, out, How(video=False, **how), console) == 0
    assert "internal error" not in said(console)
    assert len((out / "episodes.jsonl").read_text().splitlines()) == 4
    assert "| 0/2 |" in (out / "table.md").read_text()
    assert (out / "steps.md").exists()
    return said(console)


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (RuntimeError("at most 50 steps"), "RuntimeError: at most 50 steps"),
        (UsageError("at most 50 steps"), "at most 50 steps"),
        (SystemExit(3), "SystemExit: 3"),
        (MemoryError(), "MemoryError, 3 times"),
        (lambda actions: actions * np.nan, "actions: expected finite numbers"),
        (lambda actions: actions[:, :2], "actions: expected floats (32, 8 or more, 7)"),
        (lambda _: "actions", "actions: expected floats"),
    ],
)
def test_chunks_that_cannot_be_compared_cost_no_table(
    harm: Any, why: str, scripted: Any, tmp_path: Path, console: Console
) -> None:
    scripted(at_100(harm))
    words = whole(tmp_path, console)
    assert f"scripted on reach_cube: its chunks could not be compared: {why}" in words
    assert read_quality(tmp_path) == []
    scripted(at_100(lambda actions: actions))
    whole(tmp_path, console)
    assert len(read_quality(tmp_path)) == 2


def test_what_can_be_compared_is(scripted: Any, tmp_path: Path, console: Console) -> None:
    def act(observations: Any, noise: Any, steps: int) -> Any:
        if steps == 100 and "button" in observations[0].instruction:
            raise RuntimeError("no")
        return np.zeros((len(observations), 8, 7))

    scripted(act)
    asked = Settings(("scripted",), ("press_button", "reach_cube"), renderer="tiny", episodes=1)
    asked = Settings(**{**vars(asked), "steps": (1, 2)})
    assert run(asked, tmp_path, How(video=False), console) == 0
    assert {quality.task for quality in read_quality(tmp_path)} == {"reach_cube"}


def test_no_worker_for_the_comparison_costs_no_table(
    scripted: Any, tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise UsageError("no worker can be started")

    scripted(at_100(lambda actions: actions))
    monkeypatch.setattr(runs, "compare_chunks", refuse)
    assert "chunks could not be compared: no worker can be started" in whole(tmp_path, console)


@pytest.mark.parametrize("room", ["write_page", "films", "write_videos"])
def test_a_page_or_videos_that_fail_cost_no_table(
    room: str, scripted: Any, tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise ValueError("broken")

    scripted(at_100(lambda actions: actions))
    monkeypatch.setattr(run_output, room, fail)
    settings = Settings(**{**vars(SETTINGS), "steps": (1,)})
    assert run(settings, tmp_path, How(), console) == 0
    assert "ValueError: broken; results are unaffected" in said(console)
    assert (tmp_path / "table.md").exists()
    assert (tmp_path / "index.html").exists() == (room != "write_page")


def test_a_drawing_that_fails_costs_its_video_alone(
    scripted: Any, tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("no context")

    scripted(at_100(lambda actions: actions))
    monkeypatch.setattr(worker, "presentation", fail)
    settings = Settings(**{**vars(SETTINGS), "steps": (1,)})
    assert run(settings, tmp_path, How(), console) == 0
    no_video = "scripted on reach_cube, episode 0: no video: RuntimeError: no context, 3 times"
    assert no_video in said(console)
    assert "ended otherwise" not in said(console)
    assert not (tmp_path / "videos").exists()
    lines = (tmp_path / "episodes.jsonl").read_text().splitlines()
    assert {json.loads(line)["status"] for line in lines} == {"failure"}
