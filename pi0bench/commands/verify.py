"""`pi0bench verify`: episodes of a run, measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from pi0bench.commands.machine_readable import print_json
from pi0bench.content.folders import add_folders
from pi0bench.report.terminal_screen import console


def verify(
    run: tyro.conf.Positional[Path],
    episodes: int = 20,
    seed: int = 0,
    workers: int | None = None,
    content: tuple[Path, ...] = (),
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Measure some episodes of a run again: each record must come out the same.

    Args:
        run: A run's folder, a published one such as results/0.1.1/pi0 too.
        episodes: How many, drawn from all its policies.
        seed: Of the draw.
        workers: Processes; as many as there are cores when not given.
        content: Folders with content of your own: tasks, objects, variations, policies.
        json: Print what was found as JSON, and all else on standard error.
    """
    add_folders(content)
    from pi0bench.api import measuring

    found = measuring.verify(run, episodes, seed, workers, console=console(stderr=json))
    if json:
        print_json({**vars(found), "folder": str(found.folder), "same": not found.differences})
    return found.exit_code
