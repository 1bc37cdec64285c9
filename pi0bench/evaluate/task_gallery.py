"""One picture of all tasks: the scripted expert's start, middle and end in both engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.physics import ENGINES
from pi0bench.envs.render.choose_renderer import choose, make
from pi0bench.envs.render.renderer_protocol import Image, Renderer
from pi0bench.files.atomic import replacing
from pi0bench.random_streams import stream
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop, images
from pi0bench.task.task_spec import TaskSpec

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

PANEL_PX = 144
EYES_PX = 64  # what the policies see
_EYES_SCALE = 2
_FRONT = ("front",)
_MOMENTS = ("start", "middle", "end")
_LABEL_PX = 250
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
        panels: engine by engine, start, middle and end, (PANEL_PX, PANEL_PX, 3) each.
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
    names = []
    for engine in ENGINES:
        name, why = choose("auto", engine)
        names.append(name)
        if why:
            say(why)
    renderers = {name: make(name) for name in dict.fromkeys(names)}
    rows, failures = [], 0
    try:
        for task in tasks:
            own = [renderers[name] for name in names]
            row, failed = _row(task, dict(zip(ENGINES, own, strict=True)))
            rows.append(row)
            failures += len(failed)
            for engine in failed:
                say(f"{task.id}: {engine}: the expert failed")
    finally:
        for renderer in renderers.values():
            renderer.close()
    heads = [f"{engine} ({name})" for engine, name in zip(ENGINES, names, strict=True)]
    _write(sheet(rows, heads), out)
    say(f"{len(rows)} tasks: {out}")
    return failures


def _row(task: TaskSpec, renderers: dict[str, Renderer]) -> tuple[Row, list[str]]:
    """One task's row, and the engines in which the expert failed."""
    layout = place(task, stream("evaluation", 0, task.id, 0))
    panels: list[Image] = []
    eyes: list[Image] = []
    failed = []
    for engine, renderer in renderers.items():
        env = Tabletop(task, layout, engine)
        shots = _shots(env)
        scene = env.world.scene
        if not env.succeeded:
            failed.append(engine)
        for shot in (shots[0], shots[len(shots) // 2], shots[-1]):
            panels.append(images(scene, shot, renderer, PANEL_PX, cameras=_FRONT)["front"])
        eyes.append(images(scene, shots[0], renderer, EYES_PX, cameras=_FRONT)["front"])
    return Row(task.id, layout.instruction, tuple(panels), eyes[0]), failed


def _shots(env: Tabletop) -> list[Snapshot]:
    """Where everything was after each step of the expert's episode; the world is closed then."""
    try:
        shots = [env.snapshot()]
        while env.steps < env.max_steps and not env.succeeded:
            env.step(env.expert_action())
            shots.append(env.snapshot())
        return shots
    finally:
        env.close()


def sheet(rows: Sequence[Row], heads: Sequence[str]) -> Image:
    """The whole picture, (height, width, 3): a title a column and a line of panels a row.

    Args:
        rows: the tasks.
        heads: a title for each engine.
    """
    from PIL import Image as pil
    from PIL import ImageDraw

    lefts = _lefts(len(heads))
    height = _HEAD_PX + len(rows) * (PANEL_PX + _GAP_PX)
    canvas = pil.new("RGB", (lefts[-1] + PANEL_PX + _GAP_PX, height), _PAPER)
    pen = ImageDraw.Draw(canvas)
    for number, head in enumerate(heads):
        for moment, left in zip(_MOMENTS, lefts[3 * number : 3 * number + 3], strict=True):
            _centred(pen, left, 24, moment)
        _centred(pen, lefts[3 * number + 1], 4, head)
    _centred(pen, lefts[-1], 4, "a policy's view")
    _centred(pen, lefts[-1], 24, f"start, {EYES_PX} px")
    for number, row in enumerate(rows):
        top = _HEAD_PX + number * (PANEL_PX + _GAP_PX)
        _label(pen, top, row)
        for left, panel in zip(lefts, row.panels, strict=False):
            canvas.paste(pil.fromarray(panel), (left, top))
        eyes = row.eyes.repeat(_EYES_SCALE, axis=0).repeat(_EYES_SCALE, axis=1)
        rim = (PANEL_PX - len(eyes)) // 2
        canvas.paste(pil.fromarray(eyes), (lefts[-1] + rim, top + rim))
    return np.asarray(canvas, dtype=np.uint8)


def _lefts(engines: int) -> list[int]:
    """Left edges of the columns of panels: three an engine, then the policy's view."""
    edges = []
    left = _LABEL_PX
    for _ in range(engines):
        edges += [left + number * (PANEL_PX + _GAP_PX) for number in range(len(_MOMENTS))]
        left = edges[-1] + PANEL_PX + _ENGINE_GAP_PX
    return [*edges, left]


def _centred(pen: ImageDraw, left: int, top: int, text: str) -> None:
    """Write a title over the column that begins at `left`."""
    from PIL import ImageFont

    font = ImageFont.load_default(_FONT_PX)
    pen.text((left + PANEL_PX / 2, top), text, _INK, font, anchor="ma")


def _label(pen: ImageDraw, top: int, row: Row) -> None:
    """Write a task's id and, below it, its instruction in as many lines as it needs."""
    from PIL import ImageFont

    pen.text((8, top + 8), row.task_id, _INK, ImageFont.load_default(_ID_FONT_PX))
    font = ImageFont.load_default(_FONT_PX)
    lines = [""]
    for word in row.instruction.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > _LABEL_PX - 20:
            lines.append(word)
        else:
            lines[-1] = longer
    for number, line in enumerate(lines):
        pen.text((8, top + 36 + 20 * number), line, _GREY, font)


def _write(picture: Image, out: Path) -> None:
    from PIL import Image as pil

    with replacing(out) as partial:
        pil.fromarray(picture).save(partial, format="PNG", optimize=True)
