"""`pi0bench retime`: milliseconds measured anew."""

from __future__ import annotations

from pathlib import Path

import tyro

from pi0bench.report.terminal_screen import console


def retime(run: tyro.conf.Positional[Path], episodes: int = 3) -> int:
    """Measure a run's milliseconds again, one plan at a time; its records stay as they are.

    For runs that other programs have slowed down. Let nothing else run meanwhile.

    Args:
        run: The run's folder.
        episodes: Of each task under each condition; the times of all others are forgotten.
    """
    from pi0bench.evaluate.retime import retime as measure

    measure(run, episodes, console())
    return 0
