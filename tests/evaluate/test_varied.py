from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi0bench.envs.render.choose_renderer import make
from pi0bench.envs.render.presentation import FILM_PX, PlainPresentation
from pi0bench.errors import UsageError
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.check_tasks import _departures
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.film_drawing import film_frames
from pi0bench.evaluate.film_recording import FirstOfEach
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.provenance import manifest
from pi0bench.evaluate.run import _check_names
from pi0bench.policy.policy_protocol import Observation
from pi0bench.records.record import Cell
from pi0bench.records.resume_compatibility import mixed
from pi0bench.task import paraphrases
from pi0bench.task.task_files import task

CellsOf = Callable[..., tuple[Cell, ...]]
NAMES = ("nominal", "light-3", "camera-3", "clutter-3", "wording-3", "friction-3", "noise-3")


class Seen:
    """A policy that stands still and keeps what it is shown."""

    def __init__(self, scripted: Callable[..., Any]) -> None:
        self.shown: list[Observation] = []
        self.policy = scripted(self._act, image_side=32)

    def _act(self, observations: Sequence[Observation], noise: Any, steps: int) -> Any:
        self.shown += observations
        return np.zeros((len(observations), 8, 7))

    def play(self, cells_of: CellsOf, name: str, steps: int = 10) -> list[Observation]:
        """What is shown at the re-plans of one episode, the first of them timed before."""
        self.shown = []
        cells = cells_of(self.policy, episodes=1, variations=(name,), steps=(steps,))
        drawer = make("tiny")
        list(run(cells, self.policy, task("reach_cube"), drawer, Stopwatch()))
        drawer.close()
        return self.shown[2:]


def alike(one: Observation, other: Observation) -> dict[str, bool]:
    same = {name: np.array_equal(one.images[name], other.images[name]) for name in one.images}
    return {
        "images": all(same.values()),
        "proprio": np.array_equal(one.proprio, other.proprio),
        "instruction": one.instruction == other.instruction,
    }


def test_each_variation_reaches_the_policy(scripted: Callable[..., Any], cells_of: CellsOf) -> None:
    seen = Seen(scripted)
    plain = seen.play(cells_of, "nominal")[0]
    pairs = {name: alike(plain, seen.play(cells_of, name)[0]) for name in NAMES}
    changed = {name: {part for part in pair if not pair[part]} for name, pair in pairs.items()}
    assert changed["nominal"] == set()
    assert changed["light-3"] == changed["camera-3"] == {"images"}
    assert "images" in changed["clutter-3"]
    assert changed["wording-3"] == {"instruction"}
    assert changed["noise-3"] == {"images", "proprio"}


def test_noise_is_the_same_for_every_step_count_and_another_at_each_replan(
    scripted: Callable[..., Any], cells_of: CellsOf
) -> None:
    seen = Seen(scripted)
    one, other = seen.play(cells_of, "noise-2", 1), seen.play(cells_of, "noise-2", 20)
    assert all(all(alike(a, b).values()) for a, b in zip(one, other, strict=True))
    assert not alike(one[1], one[2])["proprio"]
    assert not alike(one[1], one[2])["images"]


def test_videos_show_the_variation(scripted: Callable[..., Any], cells_of: CellsOf) -> None:
    policy = Seen(scripted).policy
    drawer, plain = make("tiny"), PlainPresentation()
    first = {}
    for name in ("nominal", "light-2", "camera-2", "clutter-2"):
        cells = cells_of(policy, episodes=1, variations=(name,))
        films = FirstOfEach()
        (end,) = run(cells, policy, task("reach_cube"), drawer, Stopwatch(), films)
        assert end.record.cell.variation == name
        assert end.recording is not None
        frame = next(film_frames(end.record, end.recording, plain))
        first[name] = frame[: FILM_PX[0]]
    drawer.close()
    plain.close()
    assert len({frame.tobytes() for frame in first.values()}) == 4


def test_an_unknown_variation_is_refused_before_anything_runs() -> None:
    with pytest.raises(UsageError, match="say how severe: light-1, light-2, light-3"):
        _check_names(Settings(("zero",), ("reach_cube",), variations=("nominal", "light")), {})


def test_a_folder_is_not_continued_with_another_file_of_its_variation() -> None:
    settings = Settings(("zero",), ("reach_cube",), variations=("nominal", "wording-1"))
    here = manifest(settings, {}, {}, [], "")
    assert mixed(here, here) == []
    there = {**here, "variations": {"wording-1": "0" * 12}}
    assert [change[:22] for change in mixed(there, here)] == ["variations.wording-1: "]


def test_check_reads_paraphrases_and_variations_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tasks = [task("reach_cube")]
    assert _departures(tasks, beside=False) == []
    path = tmp_path / "paraphrases.toml"
    path.write_text("[reach_cube]\nclose = []\n", "utf-8")
    monkeypatch.setattr(paraphrases, "file", lambda: path)
    assert f'{path}:1: reach_cube: "free" is missing' in _departures(tasks, beside=False)
