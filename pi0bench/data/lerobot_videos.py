"""Videos of demonstrations, and what their pictures' statistics are made of."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray

from pi0bench.data.dataset_statistics import levels
from pi0bench.data.demonstration_reader import Recorded
from pi0bench.envs.render.renderer_protocol import Image, Renderer
from pi0bench.errors import StorageError
from pi0bench.report.rollout_videos import as_file

FPS = 20
_PIXELS_EVERY = 10
"""Statistics of pictures are those of every tenth frame of an episode."""


def sampled(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many pictures of episodes of so many steps the statistics are of."""
    return -(-steps // _PIXELS_EVERY)


def film(
    path: Path,
    lived: Recorded,
    numbers: Sequence[int],
    camera: str,
    renderer: Renderer | None,
    side: int,
    progress: Callable[[int], object],
) -> NDArray[np.int64]:
    """Write a video of some demonstrations, one after the other, all at once or not at all.

    Args:
        path: the mp4 file.
        lived: the demonstrations.
        numbers: which of them.
        camera: that sees them.
        renderer: draws; None in worlds that draw by themselves.
        side: of the pictures, pixels.
        progress: told the number of each that is drawn.

    Returns:
        Pixels of the sampled pictures by episode, colour and level, (E, 3, 256).

    Raises:
        StorageError: ffmpeg cannot write.
    """
    counts = np.zeros((len(numbers), 3, 256), np.int64)

    def frames() -> Iterator[Image]:
        for row, number in zip(counts, numbers, strict=True):
            scenery = lived.scenery(number)
            for step in range(lived.episodes[number]["steps"]):
                drawn = scenery.moment(lived.row(number, step)).images(renderer, side, (camera,))
                if step % _PIXELS_EVERY == 0:
                    row += levels(drawn[camera])
                yield drawn[camera]
            progress(number)

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    _encode(partial, frames(), side)
    partial.replace(path)
    return counts


def _encode(path: Path, frames: Iterator[Image], side: int) -> None:
    """Write an mp4 in which every second frame can be decoded by itself."""
    command = [get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{side}x{side}", "-r", str(FPS), "-i", "-", "-c:v", "libx264"]
    command += ["-pix_fmt", "yuv420p", "-crf", "18", "-g", "2", "-threads", "1"]
    command += ["-f", "mp4", as_file(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            for frame in frames:
                process.stdin.write(frame.tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass
        words = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise StorageError(f"{path}: ffmpeg ended with {process.returncode}: {words[-300:]}")
