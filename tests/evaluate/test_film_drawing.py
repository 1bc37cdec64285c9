from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.envs.episode_protocol import Verdict
from pi0bench.evaluate import film_drawing, worker
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.film_drawing import MOST_FRAMES, drawn, film_frames, pace
from pi0bench.evaluate.film_recording import Moment, Recording
from pi0bench.evaluate.run_options import How
from pi0bench.records.record import Cell, Record
from tests.runs import run

Cells = Callable[..., Cell]
Records = Callable[..., Record]


def recording(moments: int, stages: int = 2) -> Recording:
    shown = [np.full((60, 81, 3), number % 256, np.uint8) for number in range(moments)]
    eyes = {"front": np.full((16, 16, 3), 250, np.uint8)}
    verdicts = [Verdict(stages=min(number // 5, stages)) for number in range(moments)]
    rows = zip(shown, verdicts, strict=True)
    return Recording(tuple(Moment(*row, eyes) for row in rows), 20, stages, "do it")


def levels(frames: list[np.ndarray]) -> list[int]:
    return [int(frame[100, 100, 0]) for frame in frames]


@pytest.mark.parametrize("moments", [1, 7, 100, 101, 268])
def test_a_film_shows_every_state_or_every_second_and_always_the_last(
    moments: int, make_cell: Cells, make_record: Records
) -> None:
    record = make_record(make_cell(3), "failure")
    frames = list(film_frames(record, recording(moments), None))
    assert len(frames) <= MOST_FRAMES + 1
    assert len({frame.shape for frame in frames}) == 1
    assert all(side % 2 == 0 for side in frames[0].shape[:2])
    seen = levels(frames)
    assert seen[-1] == (moments - 1) % 256
    assert seen[:-1] == [number % 256 for number in range(0, moments - 1, pace(moments))]


def test_words_change_with_the_stage_and_the_outcome_is_coloured(
    make_cell: Cells, make_record: Records
) -> None:
    films = {
        status: list(film_frames(make_record(make_cell(3), status), recording(12), None))
        for status in ("success", "failure")
    }
    for frames in films.values():
        strips = [frame[-60:].tobytes() for frame in frames]
        assert strips[0] == strips[4] != strips[5] == strips[9]
        assert len(set(strips)) == 4
    ends = [films[status][-1][-24:].astype(int) for status in ("success", "failure")]
    green = [(end[..., 1] - end[..., 0]).max() for end in ends]
    assert green[0] > 60 > 30 > green[1]


def test_a_film_is_a_file(make_cell: Cells, make_record: Records, tmp_path: Path) -> None:
    import imageio.v3 as iio

    record = make_record(make_cell(3), "success")
    path = tmp_path / "a.mp4"
    path.write_bytes(drawn(record, recording(10), None))
    assert len(np.asarray(iio.imread(path))) == 10 + 16
    assert drawn(record, replace(recording(1), moments=()), None) == b""


def test_a_run_films_what_it_measured_without_running_it_again(
    tmp_path: Path, scripted: Any, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_drawing, "FILM_PX", (36, 48))
    monkeypatch.setattr(worker, "presentation", lambda: (Flat(), "No OpenGL. Plainly."))
    policy = scripted(lambda observations, *_: np.zeros((len(observations), 8, 7)))
    settings = Settings(("scripted",), ("reach_cube",), renderer="tiny", episodes=2, steps=(1, 2))
    assert run(settings, tmp_path / "without", How(video=False), console) == 0
    plans = len(policy.asked)
    policy.asked.clear()
    assert run(settings, tmp_path / "with", How(), console) == 0
    assert len(policy.asked) == plans
    names = [path.name for path in (tmp_path / "with" / "videos").iterdir()]
    assert names == ["scripted-reach_cube-failure-0.mp4"]
    said = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert said.count("No OpenGL. Plainly.") == 1


class Flat:
    """Draws nothing, in grey."""

    def draw(self, scene: Any, snapshot: Any, camera: Any, height: int, width: int, _: Any) -> Any:
        return np.full((height, width, 3), 90, np.uint8)

    def close(self) -> None:
        pass
