"""How many processes to use."""

from __future__ import annotations

import os

from pi0bench.bounds import bounded


def processes(asked: int | None) -> int:
    """As many as asked for; when nothing is, as many as there are cores for this process.

    Raises:
        UsageError: fewer than one is asked for, or more than any machine has.
    """
    if asked is not None:
        return bounded("--workers", asked)
    if hasattr(os, "sched_getaffinity"):  # absent on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
