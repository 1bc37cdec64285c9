"""`pi0bench publish`: finished runs side by side."""

from __future__ import annotations

from pathlib import Path

import tyro

from pi0bench.commands.printed_paths import say_paths
from pi0bench.report.terminal_screen import console


def publish(
    run: tyro.conf.Positional[tuple[Path, ...]], out: Path, readme: tuple[Path, ...] = ()
) -> int:
    """Put finished runs side by side, with their records, and write the pages of all of them.

    Args:
        run: Folders of runs; each is published under its own name.
        out: The folder of the results, such as results/0.1.1.
        readme: Texts such as README.md, in which the numbers between the comments `published` and
            `/published` are written anew from published records.
    """
    from pi0bench.release.publish import publish as put

    say_paths(put(run, out, readme), console())
    return 0
