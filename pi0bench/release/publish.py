"""Published results: finished runs put side by side, with their records and their pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pi0bench.errors import UsageError
from pi0bench.files.durable import write_atomic
from pi0bench.files.folder_lock import PATIENCE_S
from pi0bench.records import chunk_quality, manifest
from pi0bench.records.run_folder import EPISODES, TIMINGS, RunFolder, write_lines
from pi0bench.release.regenerate_release import report
from pi0bench.report.rollout_videos import VIDEOS


def publish(runs: Sequence[Path], out: Path, texts: Sequence[Path] = ()) -> list[Path]:
    """Copy finished runs into `out`, a folder each by its name, and write the pages.

    Args:
        runs: their folders.
        out: the folder of the results.
        texts: Markdown files whose quoted numbers are written anew (see `readme_blocks`).

    Raises:
        UsageError: a folder holds no run or an unfinished one, or two have one name.
    """
    if not runs:
        raise UsageError("publish: name the folders of finished runs")
    names = [run.name for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"publish: two runs are called {', '.join(twice)}; rename a folder")
    for run in runs:
        _must_be_finished(RunFolder(run))
    for run in runs:
        with RunFolder.alone(out / run.name, PATIENCE_S):
            _copy(RunFolder(run), out / run.name)
    return report([out, *texts])


def _must_be_finished(run: RunFolder) -> None:
    done = [record.cell for record in run.records() if record.final]
    if not manifest.complete(run.manifest(), done):
        raise UsageError(f"{run.root}: episodes are missing; finish the run first")


def _copy(run: RunFolder, out: Path) -> None:
    write_atomic(out / manifest.NAME, run.path(manifest.NAME).read_bytes())
    records, timings = run.records(), run.timings()
    write_lines(out, EPISODES, records, packed=True)
    write_lines(out, TIMINGS, timings, packed=True)
    found = chunk_quality.read(run.root)
    if found:
        data = "".join(f"{one.to_line()}\n" for one in found).encode()
        write_atomic(out / chunk_quality.QUALITY, data)
    else:
        (out / chunk_quality.QUALITY).unlink(missing_ok=True)
    films = sorted(run.path(VIDEOS).glob("*.mp4"))
    for film in films:
        write_atomic(out / VIDEOS / film.name, film.read_bytes())
    for old in (out / VIDEOS).glob("*.mp4"):  # of a run that was published under this name before
        if old.name not in {film.name for film in films}:
            old.unlink()
