"""`pi0bench list`: what there is to be measured."""

from __future__ import annotations

from pathlib import Path

from pi0bench.content.folders import add_folders
from pi0bench.report.terminal_screen import console


def list_(content: tuple[Path, ...] = ()) -> int:
    """List policies, suites, tasks and variations; nothing of other packages is imported.

    Args:
        content: Folders with content of your own: tasks, objects, variations, policies.
    """
    add_folders(content)
    from pi0bench.api import catalogue
    from pi0bench.report.terminal_grid import Column, Line, print_grid

    screen = console()
    suites = catalogue.suites()
    suites["summary"] += " " + suites["tasks"]
    for title, found in {
        "policies": catalogue.policies(),
        "suites": suites,
        "tasks": catalogue.tasks(),
        "variations": catalogue.variations(),
    }.items():
        screen.print(title, style="italic")
        lines = [Line([str(name), str(words)]) for name, words in found["summary"].items()]
        print_grid([Column("", "name"), Column("", "prose")], lines, screen)
    return 0
