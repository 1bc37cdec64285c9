"""`pi0bench gallery`: one picture of all tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from pi0bench.content.folders import add_folders
from pi0bench.report.terminal_screen import console


def gallery(
    suite: str | None = None,
    task: tuple[str, ...] = (),
    out: Path = Path("gallery.png"),
    hero: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    content: tuple[Path, ...] = (),
) -> int:
    """Draw every task: start, middle and end of the expert's episode in both engines.

    Args:
        suite: The tasks to draw; all of the benchmark's when not given.
        task: Single tasks, in place of a suite.
        out: The picture, a PNG file.
        hero: Draw a large picture of them instead, and a film, a WebP file beside it.
        content: Folders with content of your own: tasks, objects, variations, policies.
    """
    add_folders(content)
    from pi0bench.evaluate.hero_picture import hero as draw_hero
    from pi0bench.evaluate.task_gallery import gallery as draw
    from pi0bench.task import task_files

    tasks = task_files.suite(suite) if suite else tuple(map(task_files.task, task_files.task_ids()))
    chosen = tuple(map(task_files.task, task)) or tasks
    screen = console()

    def say(line: str) -> None:
        screen.print(line, markup=False, soft_wrap=True)

    if hero:
        draw_hero(chosen, out, say)
    else:
        draw(chosen, out, say)
    return 0
