"""Videos of episodes: which there are, their names, and how they are written."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import re
import subprocess
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pi0bench.files.atomic import replacing
from pi0bench.records.condition import Condition
from pi0bench.records.record import NOMINAL, Record

VIDEOS = "videos"
"""A run's folder of them."""

_NAME_LENGTH = 64


def choose(records: Iterable[Record]) -> list[Record]:
    """Return the episodes worth a video: a success and a failure a policy, task and variation.

    The rule, so that nobody picks by taste: at the highest asked step count, first where the world
    waits, the lowest episode number of each outcome (a policy's fault is a failure); then the first
    engine by name.
    """
    measured = sorted((r for r in records if r.final), key=_place)
    chosen: list[Record] = []
    for _, group in itertools.groupby(measured, key=lambda r: _place(r)[:3]):
        of_pair = list(group)
        most = max(r.cell.steps for r in of_pair)
        asked = [r for r in of_pair if r.cell.steps == most]
        for success in (True, False):
            chosen += [r for r in asked if (r.status == "success") is success][:1]
    return chosen


def file_name(record: Record) -> str:
    """Return the name of the episode's video."""
    cell = record.cell
    outcome = "success" if record.status == "success" else "failure"
    varied = [] if cell.variation == NOMINAL else [cell.variation]
    timing = filter(None, [Condition.of(record).timing.replace(" ", "-")])
    parts = [cell.policy, cell.task, *varied, *timing, outcome, str(cell.episode)]
    return "-".join(map(_slug, parts)) + ".mp4"


def _slug(text: str) -> str:
    """Return `text` if it may stand in a file's name, else what may of it, and its hash."""
    kept = re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:_NAME_LENGTH]
    return text if kept == text else f"{kept}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _place(record: Record) -> tuple[object, ...]:
    cell = record.cell
    pace, world = Condition.of(record).pace, (cell.engine, cell.renderer, cell.solver)
    return (cell.policy, cell.task, cell.variation, pace, cell.episode, *world, cell.key())


def write_video(path: Path, frames: Iterable[NDArray[np.uint8]], fps: float) -> bool:
    """Write frames as an mp4.

    Args:
        path: the file; it appears whole or not at all.
        frames: images (H, W, 3), all of one size, H and W even.
        fps: frames per second.

    Returns:
        True when the file was written; False when there are no frames or, after one warning, when
        this machine has no ffmpeg or cannot write. Results never depend on it.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        return False
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        exe = get_ffmpeg_exe()
    except (ImportError, RuntimeError, OSError) as error:
        _warn_once(f"no videos, results are unaffected: {error}")
        return False
    try:
        with replacing(path) as partial:
            _encode(exe, partial, first, pictures, fps)
    except OSError as error:
        _warn_once(f"no videos, results are unaffected: {error}")
        return False
    return True


def _encode(
    exe: str,
    path: Path,
    first: NDArray[np.uint8],
    others: Iterator[NDArray[np.uint8]],
    fps: float,
) -> None:
    """Pipe pictures through ffmpeg; OSError with its last words when it fails.

    imageio_ffmpeg's own writer ignores ffmpeg's exit status, so a full disk would pass for a
    finished video.
    """
    height, width, _ = first.shape
    command = [exe, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "-"]
    command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "20", "-movflags", "+faststart"]
    # One thread and bitexact: the same frames give the same file.
    command += ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    command += ["-f", "mp4", as_file(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        with contextlib.suppress(BrokenPipeError):
            for picture in itertools.chain([first], others):
                process.stdin.write(picture.tobytes())
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        words = process.stderr.read().decode(errors="replace").strip()
    if process.returncode != 0:
        raise OSError(f"ffmpeg ended with {process.returncode}: {words[-300:]}")


def as_file(path: Path) -> str:
    """How ffmpeg is told of a file: by any other name it might be an option or a protocol."""
    return f"file:{path.absolute()}"


@functools.cache
def _warn_once(message: str) -> None:
    warnings.warn(message, stacklevel=3)
