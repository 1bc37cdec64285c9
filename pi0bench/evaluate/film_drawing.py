"""Films of recorded episodes, drawn when nothing is measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.render.presentation import FILM_PX, VIEW, Presentation
from pi0bench.envs.render.renderer_protocol import Image
from pi0bench.evaluate.film_recording import Moment, Recording
from pi0bench.evaluate.jobs import Loss
from pi0bench.gym.rgb_frames import fitted
from pi0bench.records.record import NOMINAL, Record
from pi0bench.report.film_frames import composed, lingering
from pi0bench.report.rollout_videos import write_video

MOST_FRAMES = 100
"""Longer episodes play at twice, three times their speed or more, and say so."""

_LINGER_S = 0.8


@dataclass(frozen=True, eq=False)
class Film:
    """A drawn film.

    Attributes:
        record: of its episode.
        mp4: the file; empty when there is none.
        problem: why there is none, if there should be one.
        makeshift: why it is drawn otherwise than films are, if it is.
    """

    record: Record
    mp4: bytes = b""
    problem: str = ""
    makeshift: str = ""


@dataclass(frozen=True, eq=False)
class DrawFilm:
    """A job: an episode to be drawn, from its recording if there is one.

    Attributes:
        record: how it ended.
        recording: of that very episode; None to run it again first.
        attempt: how often it has been begun, this time included.
    """

    record: Record
    recording: Recording | None
    attempt: int = 1

    @property
    def policy(self) -> str:
        """The policy that acts in it."""
        return self.record.cell.policy

    def run(self, worker: Any) -> Iterator[Film]:
        """See `pi0bench.evaluate.worker.Worker.film`."""
        yield worker.film(self)

    def parts(self, answers: Sequence[Film] = ()) -> list[DrawFilm]:
        """Itself, unless it is done."""
        return [] if answers else [replace(self, attempt=self.attempt + 1)]

    def lost(self, loss: Loss) -> list[Film]:
        """Why there is no film."""
        return [Film(self.record, problem=f"no video: {loss.why}")]


def drawn(record: Record, recording: Recording, presentation: Presentation | None) -> bytes:
    """The film as an mp4 file; empty after a warning when this machine cannot write one.

    Args:
        record: of the episode.
        recording: of the same.
        presentation: draws snapshots; None where the world has drawn by itself.
    """
    if not recording.moments:
        return b""
    frames = film_frames(record, recording, presentation)
    whole = lingering(frames, round(_LINGER_S * recording.fps))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        return path.read_bytes() if write_video(path, whole, recording.fps) else b""


def pace(moments: int) -> int:
    """How many times as fast as it was an episode of so many moments is shown."""
    return max(1, math.ceil(moments / MOST_FRAMES))


def film_frames(
    record: Record, recording: Recording, presentation: Presentation | None
) -> Iterator[Image]:
    """The composed frames of a film, (H, W, 3) each."""
    speed, moments = pace(len(recording.moments)), recording.moments
    which = _which(record) + (f" · {speed}x speed" if speed > 1 else "")
    words = (recording.instruction, which)
    shown = [*moments[:-1:speed], moments[-1]]
    first: Image | None = None
    for moment in shown:
        success = record.status == "success" if moment is moments[-1] else None
        standing = _standing(record, recording, moment, success)
        picture = _picture(moment, recording, presentation)
        first = picture if first is None else first
        seen = fitted(picture, *first.shape[:2])  # a film has one size
        yield composed(seen, moment.eyes, words, standing, success)


def _picture(moment: Moment, recording: Recording, presentation: Presentation | None) -> Image:
    if isinstance(moment.shown, Snapshot):
        assert recording.scene is not None
        assert presentation is not None
        height, width = FILM_PX
        here = recording.scene, moment.shown
        return presentation.draw(*here, VIEW, height, width, recording.light)
    return moment.shown


def _which(record: Record) -> str:
    cell = record.cell
    parts = [cell.policy, cell.task, "" if cell.variation == NOMINAL else cell.variation]
    steps = f"{cell.steps} steps" if cell.steps else ""
    return " · ".join(part for part in (*parts, f"episode {cell.episode}", steps) if part)


def _standing(record: Record, recording: Recording, moment: Moment, success: bool | None) -> str:
    """How far the episode is, or how it has ended."""
    verdict = moment.verdict
    reached = f"stage {verdict.stages} of {recording.stages}" if recording.stages else ""
    if not recording.stages and 0 < verdict.progress < 1:
        reached = f"{verdict.progress:.0%}"
    if success is None:
        return reached
    after = f" after {record.success_s:.1f} s" if record.success_s is not None else ""
    ended = f"{record.status}{after}"
    return ended if success or not reached else f"{ended} at {reached}"
