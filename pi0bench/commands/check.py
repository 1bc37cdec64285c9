"""`pi0bench check`: task files read and tried."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import tyro

from pi0bench.argument_bounds import bounded
from pi0bench.content.folders import add_folders
from pi0bench.errors import UsageError
from pi0bench.report.terminal_screen import console


def check(
    paths: tyro.conf.Positional[tuple[Path, ...]] = (),
    episodes: int = 3,
    tolerance: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    replay: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    out: Path | None = None,
    content: tuple[Path, ...] = (),
) -> int:
    """Check task files: read them, reset each task 50 times, let the expert carry out its plan.

    Args:
        paths: Task files, folders of them, or ids of tasks; all of the benchmark's when not given,
            and then also its paraphrases and variations.
        episodes: From so many start states the expert must reach the goal, in either engine.
        tolerance: Also measure what each task forgives: the constant error in where the expert
            believes the thing to be that it brings another to (or handles, in a task that brings
            none) at which it succeeds half as often, in mm and in degrees of heading. Takes a
            minute a task.
        replay: Also carry out, without looking, in each engine what the expert does in the other.
        out: A CSV file for what --tolerance and --replay find, a row a task; rows of other tasks
            stay, so that it can be filled bit by bit.
        content: Folders with content of your own: tasks, objects, variations, policies.
    """
    add_folders(content)
    from pi0bench.evaluate.check_tasks import check as examine

    if out is not None and not (tolerance or replay):
        raise UsageError("--out: takes --tolerance, --replay or both")
    screen = console()

    def kept(row: Mapping[str, str]) -> None:
        import pandas as pd

        from pi0bench.report.kept_table import keep

        if out is not None:
            keep(pd.DataFrame([row]), out)

    problems = examine(
        paths,
        episodes=bounded("--episodes", episodes),
        tolerances=tolerance,
        replays=replay,
        say=lambda line: screen.print(line, markup=False, soft_wrap=True),
        keep=kept,
    )
    return UsageError.exit_code if problems else 0
