"""`pi0bench report`: tables and pages, written again from records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from pi0bench.commands.said import say_paths
from pi0bench.report.screen import console


def report(
    folder: tyro.conf.Positional[tuple[Path, ...]],
    allow_incomplete: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Write tables, figures and pages again from records: Markdown, LaTeX, CSV and HTML.

    Args:
        folder: Runs' folders, folders of published runs such as results/0.1.1, or texts such as
            README.md that quote them.
        allow_incomplete: Of runs even when episodes are missing, with worst-case bounds.
    """
    from pi0bench.release.regenerate_release import report as write

    say_paths(write(folder, allow_incomplete), console())
    return 0
