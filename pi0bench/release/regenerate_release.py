"""Everything that is made of records, made again: pages of runs and releases, numbers in texts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from pi0bench.content.folders import folder as content
from pi0bench.errors import UsageError
from pi0bench.files.durable import read_words
from pi0bench.files.folder_lock import PATIENCE_S, alone
from pi0bench.records import chunk_quality, manifest
from pi0bench.records.run_folder import RunFolder
from pi0bench.release.claims import FILE, claims, questions
from pi0bench.release.claims import markdown as claims_markdown
from pi0bench.release.published_records import Evidence
from pi0bench.release.publisher_notes import Told, trials
from pi0bench.release.readme_blocks import fill
from pi0bench.release.results_page import results_page
from pi0bench.release.results_readme import CLAIMS, README, WITHDRAWN, common, readme, worlds
from pi0bench.report.html.html_page import INDEX
from pi0bench.report.regenerate import regenerate
from pi0bench.report.run_files import tables, write_files
from pi0bench.report.run_report import run_report


def report(paths: Sequence[Path], incomplete: bool = False) -> list[Path]:
    """Write the pages of runs' folders or of published results again, from their records alone.

    Published runs have one page in common. Of a file, a Markdown text, the numbers that it quotes
    are written again (see `readme_blocks`).

    Args:
        paths: folders of runs, or of published runs; or texts that quote them.
        incomplete: write them even when episodes of a run are missing.

    Returns:
        The files written.

    Raises:
        IncompleteError: episodes are missing.
        UsageError: a folder holds neither.
    """
    if not paths:
        raise UsageError("report: name the folders of runs, or of published runs")
    return [written for path in paths for written in _report(path, incomplete)]


def _report(path: Path, incomplete: bool) -> list[Path]:
    if path.is_file():
        fill(path)
        return [path]
    runs = runs_in(path)
    if path in runs:
        return regenerate(path, incomplete)
    if not runs:
        raise UsageError(f"{path}: holds neither a run nor published runs")
    with ExitStack() as held:
        for folder in (path, *runs):
            held.enter_context(alone(folder, PATIENCE_S))
        return _release(path, runs)


def runs_in(path: Path) -> list[Path]:
    """The folder itself where it is a run's, else those of the published runs in it."""
    if (path / manifest.NAME).exists():
        return [path]
    return sorted(found.parent for found in path.glob(f"*/{manifest.NAME}"))


def _release(folder: Path, runs: Sequence[Path]) -> list[Path]:
    read = {run.name: run_report(RunFolder(run)) for run in runs}
    read = dict(sorted(read.items(), key=lambda named: -len(named[1].records)))  # the largest first
    files = {run.name: tables(read[run.name]) for run in runs}
    # Claims are judged by tests for a number of episodes that was fixed before.
    fixed = {run: read[run.name] for run in runs if read[run.name].analysis.fixed}
    evidence = Evidence(
        records=list({r.cell.key(): r for of in fixed.values() for r in of.records}.values()),
        timings=list({t.key: t for of in fixed.values() for t in of.timings}.values()),
        qualities=[quality for run in fixed for quality in chunk_quality.read(run)],
    )
    judged = claims(evidence, questions(content("results") / FILE))
    told = Told(read_words(folder / WITHDRAWN), trials(folder))
    shared = worlds(read.values()), common(read.values())
    own = {
        README: readme(folder.name, read, files, judged, told).encode(),
        CLAIMS: claims_markdown(judged, told.notice).encode(),
        INDEX: results_page(folder, read, files, judged, *shared, told),
    }
    written = [path for run in runs for path in write_files(run, files[run.name])]
    return written + write_files(folder, own)
