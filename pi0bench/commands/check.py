"""`pi0bench check`: task files read and tried."""

from __future__ import annotations

from pathlib import Path

import tyro

from pi0bench.content.folders import add_folders
from pi0bench.errors import UsageError
from pi0bench.report.terminal_screen import console


def check(
    paths: tyro.conf.Positional[tuple[Path, ...]] = (), content: tuple[Path, ...] = ()
) -> int:
    """Check task files: read them, and reset each task 50 times in both engines.

    Args:
        paths: Task files, or folders of them; all of the benchmark's when not given, and then
            also its paraphrases and variations.
        content: Folders with content of your own: tasks, objects, variations, policies.
    """
    add_folders(content)
    from pi0bench.evaluate.check_tasks import check as examine

    screen = console()
    problems = examine(paths, say=lambda line: screen.print(line, markup=False, soft_wrap=True))
    return UsageError.exit_code if problems else 0
