"""`pi0bench toy`: every sampler on a problem to look at."""

from __future__ import annotations

from pathlib import Path

from pi0bench.machine.worker_count import processes
from pi0bench.report.terminal_screen import console


def toy(out: Path = Path("runs/toy"), seed: int = 0, workers: int | None = None) -> int:
    """Every way of sampling on a problem to look at: two-dimensional navigation past a wall.

    Args:
        out: Folder for the table and the two pictures.
        seed: Of everything random.
        workers: Processes; as many as there are cores when not given. Changes no result.
    """
    from pi0bench.toy.recipes import Settings
    from pi0bench.toy.run import run as play

    play(out, Settings(seed=seed), processes(workers), console())
    return 0
