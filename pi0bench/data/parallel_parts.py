"""Long work in parts: several processes, one file a part; finished parts are never made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

from pi0bench.data.array_files import Arrays, write
from pi0bench.machine.process_pool import spawned_pool

Made = tuple[Arrays, dict[str, Any]]


def make(
    folder: Path,
    work: Callable[..., Made],
    jobs: Sequence[tuple[Any, ...]],
    settings: Mapping[str, Any],
    *,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Run `work(*job)` for each job and write what it returns, (arrays, about), as one file a job.

    Args:
        folder: where the parts go, in a folder of their own for these settings.
        work: an importable function.
        jobs: its arguments, JSON values.
        settings: whatever else decides the result, as JSON; parts of other settings are not used.
        workers: processes.
        progress: called with the number of finished jobs and of all jobs.

    Returns:
        The parts' files, in the order of the jobs.
    """
    own = place(folder, settings)
    paths = [own / f"{digest(job)}.npz" for job in jobs]
    todo = [(job, path) for job, path in zip(jobs, paths, strict=True) if not path.exists()]
    with spawned_pool(workers) as pool:
        running = [pool.submit(_make, work, job, path) for job, path in todo]
        try:
            for done, future in enumerate(as_completed(running), len(jobs) - len(todo) + 1):
                future.result()
                if progress:
                    progress(done, len(jobs))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return paths


def place(folder: Path, settings: Mapping[str, Any]) -> Path:
    """The folder within `folder` for the parts of these settings, JSON; it is made."""
    own = folder / digest(settings)
    own.mkdir(parents=True, exist_ok=True)
    return own


def _make(work: Callable[..., Made], job: tuple[Any, ...], path: Path) -> None:
    write(path, *work(*job))


def digest(value: Any) -> str:
    """Hash a JSON value, 12 hex digits."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
