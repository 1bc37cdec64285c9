"""One picture of all tasks: the scripted expert's start, middle and end in both engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.physics import ENGINES
from pi0bench.envs.render.choose_renderer import choose, make
from pi0bench.envs.render.presentation import CLOSE_VIEW, Presentation, presentation
from pi0bench.envs.render.renderer_protocol import Image, Renderer
from pi0bench.envs.scene import Scene
from pi0bench.files.atomic import replacing
from pi0bench.random_streams import stream
from pi0bench.report.film_frames import wrapped
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop, images
from pi0bench.task.task_spec import TaskSpec

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

PANEL_PX = (129, 172)  # height and width
EYES_PX = 128  # what the policies see
_FINER = 2  # panels are drawn larger and shrunk, which smooths them
_FRONT = ("front",)
_MOMENTS = ("start", "middle", "end")
_LABEL_PX = 232
_HEAD_PX = 46
_GAP_PX = 4
_ENGINE_GAP_PX = 12
_ID_FONT_PX = 16
_FONT_PX = 14
_INK, _GREY, _PAPER = (30, 30, 34), (95, 95, 100), (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Row:
    """What the gallery shows of one task.

    Attributes:
        panels: engine by engine, start, middle and end, (*PANEL_PX, 3) each.
        eyes: the start as a policy sees it, (EYES_PX, EYES_PX, 3).
    """

    task_id: str
    instruction: str
    panels: tuple[Image, ...]
    eyes: Image


def gallery(tasks: Sequence[TaskSpec], out: Path, say: Callable[[str], None] = print) -> int:
    """Draw the tasks into the PNG file `out`, a row each.

    Returns:
        How many of the expert's episodes failed; each is said on a line, and drawn all the same.
    """
    drawer, makeshift = presentation()
    name, _ = choose("auto", ENGINES[0])
    if makeshift:
        say(makeshift)
    rows, failures = [], 0
    with closing(drawer), closing(make(name)) as policies_renderer:
        for task in tasks:
            row, failed = _row(task, drawer, policies_renderer)
            rows.append(row)
            failures += len(failed)
            for engine in failed:
                say(f"{task.id}: {engine}: the expert failed")
    write_png(sheet(rows, ENGINES), out)
    say(f"{len(rows)} tasks: {out}")
    return failures


def _row(task: TaskSpec, drawer: Presentation, eyes: Renderer) -> tuple[Row, list[str]]:
    """One task's row, and the engines in which the expert failed."""
    panels: list[Image] = []
    failed, seen = [], None
    for engine in ENGINES:
        scene, shots, succeeded = expert_shots(task, engine)
        if not succeeded:
            failed.append(engine)
        for shot in (shots[0], shots[len(shots) // 2], shots[-1]):
            height, width = _FINER * PANEL_PX[0], _FINER * PANEL_PX[1]
            panels.append(shrunk(drawer.draw(scene, shot, CLOSE_VIEW, height, width), _FINER))
        if seen is None:
            seen = images(scene, shots[0], eyes, EYES_PX, cameras=_FRONT)["front"]
    assert seen is not None
    instruction = place(task, stream("evaluation", 0, task.id, 0)).instruction
    return Row(task.id, instruction, tuple(panels), seen), failed


def expert_shots(task: TaskSpec, engine: str) -> tuple[Scene, list[Snapshot], bool]:
    """The expert's first episode: what there is, where it was after each step, and its success."""
    env = Tabletop(task, place(task, stream("evaluation", 0, task.id, 0)), engine)
    try:
        shots = [env.snapshot()]
        while env.steps < env.max_steps and not env.succeeded:
            env.step(env.expert_action())
            shots.append(env.snapshot())
        return env.world.scene, shots, env.succeeded
    finally:
        env.close()


def shrunk(picture: Image, factor: int) -> Image:
    """A picture that many times smaller, (H, W, 3), each pixel the mean of those it stands for."""
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    blocks = picture.reshape(height, factor, width, factor, 3)
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def sheet(rows: Sequence[Row], heads: Sequence[str]) -> Image:
    """The whole picture, (height, width, 3): a title a column and a line of panels a row.

    Args:
        rows: the tasks.
        heads: a title for each engine.
    """
    from PIL import Image as pil
    from PIL import ImageDraw

    lefts = _lefts(len(heads))
    height = _HEAD_PX + len(rows) * (PANEL_PX[0] + _GAP_PX)
    canvas = pil.new("RGB", (lefts[-1] + PANEL_PX[1] + _GAP_PX, height), _PAPER)
    pen = ImageDraw.Draw(canvas)
    for number, head in enumerate(heads):
        for moment, left in zip(_MOMENTS, lefts[3 * number : 3 * number + 3], strict=True):
            _centred(pen, left, 24, moment)
        _centred(pen, lefts[3 * number + 1], 4, head)
    _centred(pen, lefts[-1], 4, "a policy's view")
    _centred(pen, lefts[-1], 24, f"start, {EYES_PX} px")
    for number, row in enumerate(rows):
        top = _HEAD_PX + number * (PANEL_PX[0] + _GAP_PX)
        _label(pen, top, row)
        for left, panel in zip(lefts, row.panels, strict=False):
            canvas.paste(pil.fromarray(panel), (left, top))
        right, down = (PANEL_PX[1] - EYES_PX) // 2, (PANEL_PX[0] - EYES_PX) // 2
        canvas.paste(pil.fromarray(row.eyes), (lefts[-1] + right, top + down))
    return np.asarray(canvas, dtype=np.uint8)


def _lefts(engines: int) -> list[int]:
    """Left edges of the columns of panels: three an engine, then the policy's view."""
    edges = []
    left = _LABEL_PX
    for _ in range(engines):
        edges += [left + number * (PANEL_PX[1] + _GAP_PX) for number in range(len(_MOMENTS))]
        left = edges[-1] + PANEL_PX[1] + _ENGINE_GAP_PX
    return [*edges, left]


def _centred(pen: ImageDraw, left: int, top: int, text: str) -> None:
    """Write a title over the column that begins at `left`."""
    from PIL import ImageFont

    font = ImageFont.load_default(_FONT_PX)
    pen.text((left + PANEL_PX[1] / 2, top), text, _INK, font, anchor="ma")


def _label(pen: ImageDraw, top: int, row: Row) -> None:
    """Write a task's id and, below it, its instruction in as many lines as it needs."""
    from PIL import ImageFont

    pen.text((8, top + 8), row.task_id, _INK, ImageFont.load_default(_ID_FONT_PX))
    font = ImageFont.load_default(_FONT_PX)
    for number, line in enumerate(wrapped(row.instruction, _LABEL_PX - 20, font)):
        pen.text((8, top + 36 + 20 * number), line, _GREY, font)


def write_png(picture: Image, out: Path) -> None:
    """Write a picture as a PNG file, whole or not at all."""
    from PIL import Image as pil

    with replacing(out) as partial:
        pil.fromarray(picture).save(partial, format="PNG", optimize=True)
