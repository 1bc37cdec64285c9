"""Videos of episodes, each with a line that says what one sees."""

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
from pi0bench.records.record import NOMINAL, Record

WIDTH_PX = 384
"""Smaller frames are enlarged by a whole factor until they are about this wide."""

VIDEOS = "videos"
"""A run's folder of them."""

_NAME_LENGTH = 64
MARGIN_PX = 8
FONT_PX = 14


def choose(records: Iterable[Record]) -> list[Record]:
    """Return the episodes worth a video: a success and a failure a policy, task and variation.

    The rule, so that nobody picks by taste: at the highest asked step count, the lowest episode
    number of each outcome (a policy's fault is a failure); then the first engine by name.
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
    parts = [cell.policy, cell.task, *varied, outcome, str(cell.episode)]
    return "-".join(map(_slug, parts)) + ".mp4"


def _slug(text: str) -> str:
    """Return `text` if it may stand in a file's name, else what may of it, and its hash."""
    kept = re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:_NAME_LENGTH]
    return text if kept == text else f"{kept}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _place(record: Record) -> tuple[object, ...]:
    cell = record.cell
    world = (cell.engine, cell.renderer, cell.solver)
    return (cell.policy, cell.task, cell.variation, cell.episode, *world, cell.key())


def write_video(
    path: Path, frames: Iterable[NDArray[np.uint8]], caption: str, fps: int = 20
) -> bool:
    """Write `frames` as an mp4 with `caption` on a strip below them.

    Args:
        path: the mp4 file; it appears whole or not at all.
        frames: images (H, W, 3), all of one size.
        caption: task, episode and outcome; long text is wrapped.
        fps: frames per second.

    Returns:
        True when the file was written; False, after one warning, when this machine has no
        ffmpeg or cannot write. Results never depend on it.
    """
    pictures = list(frames)
    if not pictures:
        return False
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        height, width, _ = pictures[0].shape
        scale = max(1, round(WIDTH_PX / width))
        strip = _strip(caption, width * scale, height * scale % 2)
        with replacing(path) as partial:
            _encode(get_ffmpeg_exe(), partial, (_compose(p, scale, strip) for p in pictures), fps)
    except (ImportError, RuntimeError, OSError) as error:
        _warn_once(f"no videos, results are unaffected: {error}")
        return False
    return True


def _strip(caption: str, width: int, odd: int) -> NDArray[np.uint8]:
    """Draw the caption, light on dark: (h, w, 3), w even, h even or odd to make the sum even."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(FONT_PX)
    lines = [""]
    for word in caption.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width - 2 * MARGIN_PX:
            lines.append(word)
        else:
            lines[-1] = longer
    line_px = FONT_PX + 6
    height = 2 * (MARGIN_PX // 2) + line_px * len(lines) + odd
    image = Image.new("RGB", (width + width % 2, height), (24, 24, 28))
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        draw.text((MARGIN_PX, MARGIN_PX // 2 + number * line_px), line, (240, 240, 240), font)
    return np.asarray(image, dtype=np.uint8)


def _compose(picture: NDArray[np.uint8], scale: int, strip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarge `picture` and put `strip` below it; both sides come out even, as yuv420p needs."""
    large = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    large = np.pad(large, ((0, 0), (0, strip.shape[1] - large.shape[1]), (0, 0)))
    return np.concatenate([large, strip])


def _encode(exe: str, path: Path, pictures: Iterator[NDArray[np.uint8]], fps: int) -> None:
    """Pipe `pictures` through ffmpeg; OSError with its last words when it fails.

    imageio_ffmpeg's own writer ignores ffmpeg's exit status, so a full disk would pass for a
    finished video.
    """
    first = next(pictures)
    height, width, _ = first.shape
    command = [exe, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "20", "-movflags", "+faststart"]
    # One thread and bitexact: the same frames give the same file.
    command += ["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    command += ["-f", "mp4", as_file(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        with contextlib.suppress(BrokenPipeError):
            for picture in itertools.chain([first], pictures):
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
