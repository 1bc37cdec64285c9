"""A large picture of some tasks beside each other, and a film of them, to be shown to people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.render.presentation import CLOSE_VIEW, VIEW, presentation
from pi0bench.envs.render.renderer_protocol import Image
from pi0bench.evaluate.task_gallery import expert_shots, shrunk, write_png
from pi0bench.files.atomic import replacing
from pi0bench.task.task_spec import TaskSpec

ENGINE = "mujoco"
COLUMNS = 3
PICTURE_PX, FILM_PX = (480, 640), (240, 320)
"""Height and width of a task's part of the picture, and of the film."""

_EVERY = 2
"""Control steps from one frame of the film to the next."""

_FINER = 2
_AT = 0.6
_LINGER = 12
_GAP_PX = 4
_QUALITY = 72


def hero(tasks: Sequence[TaskSpec], out: Path, say: Callable[[str], None] = print) -> None:
    """Draw the expert's first episode of each task: a moment of it, and all of it.

    Args:
        tasks: from the left to the right, then from the top down.
        out: the picture, a PNG file; the film is a WebP file of the same name beside it.
        say: told what was written.
    """
    episodes = [expert_shots(task, ENGINE)[:2] for task in tasks]
    camera = VIEW if len(tasks) == 1 else CLOSE_VIEW
    fine, makeshift = presentation(for_print=True)
    with closing(fine):
        parts = [
            shrunk(fine.draw(scene, shots[int(_AT * len(shots))], camera, *_finer(PICTURE_PX)), 2)
            for scene, shots in episodes
        ]
    write_png(mosaic(parts), out)
    quick, _ = presentation()
    with closing(quick):
        films = [
            [shrunk(quick.draw(scene, s, camera, *_finer(FILM_PX)), _FINER) for s in _kept(shots)]
            for scene, shots in episodes
        ]
    longest = max(map(len, films)) + _LINGER
    frames = [
        mosaic([film[min(number, len(film) - 1)] for film in films]) for number in range(longest)
    ]
    write_webp(frames, out.with_suffix(".webp"), _EVERY * 50)
    for line in (makeshift, f"{out}, {out.with_suffix('.webp')}"):
        if line:
            say(line)


def mosaic(parts: Sequence[Image]) -> Image:
    """Pictures of one size beside and below each other, (H, W, 3), on white."""
    height, width, _ = parts[0].shape
    columns = min(COLUMNS, len(parts))
    rows = -(-len(parts) // columns)
    size = rows * (height + _GAP_PX) - _GAP_PX, columns * (width + _GAP_PX) - _GAP_PX, 3
    whole = np.full(size, 255, np.uint8)
    for number, part in enumerate(parts):
        top = number // columns * (height + _GAP_PX)
        left = number % columns * (width + _GAP_PX)
        whole[top : top + height, left : left + width] = part
    return whole


def write_webp(frames: Sequence[Image], out: Path, frame_ms: int) -> None:
    """Write an animation that repeats for ever; web pages show it as they show pictures."""
    from PIL import Image as pil

    first, *others = map(pil.fromarray, frames)
    how = {"save_all": True, "append_images": others, "duration": frame_ms, "loop": 0}
    with replacing(out) as partial:
        first.save(partial, format="WEBP", quality=_QUALITY, method=4, **how)


def _finer(size: tuple[int, int]) -> tuple[int, int]:
    return _FINER * size[0], _FINER * size[1]


def _kept(shots: Sequence[Snapshot]) -> list[Snapshot]:
    """Every second state, and the last."""
    return [*shots[:-1:_EVERY], shots[-1]]
