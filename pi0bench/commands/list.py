"""`pi0bench list`: what there is to be measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import tyro

from pi0bench.content.folders import add_folders
from pi0bench.report.terminal_screen import console


def list_(
    calls: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False, content: tuple[Path, ...] = ()
) -> int:
    """List policies, suites, tasks and variations; nothing of other packages is imported.

    Args:
        calls: List what a task file may call instead: skills, predicates, measures.
        content: Folders with content of your own: tasks, objects, variations, policies.
    """
    add_folders(content)
    if calls:
        from pi0bench.task.call_listing import calls as of_task_files

        return _print(of_task_files())
    from pi0bench.api import catalogue

    suites = catalogue.suites()
    suites["summary"] += " " + suites["tasks"]
    found = {
        "policies": catalogue.policies(),
        "suites": suites,
        "tasks": catalogue.tasks(),
        "variations": catalogue.variations(),
    }
    return _print(
        {
            title: {str(name): str(words) for name, words in frame["summary"].items()}
            for title, frame in found.items()
        }
    )


def _print(found: Mapping[str, Mapping[str, str]]) -> int:
    """Print names and what they are in words, by their kind."""
    from pi0bench.report.terminal_grid import Column, Line, print_grid

    screen = console()
    for title, rows in found.items():
        screen.print(title, style="italic", markup=False)
        lines = [Line([name, words]) for name, words in rows.items()]
        print_grid([Column("", "name"), Column("", "prose")], lines, screen)
    return 0
