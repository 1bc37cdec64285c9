"""Everything that is made of records, made again: of a run, or of published runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from pi0bench.errors import UsageError
from pi0bench.files.durable import read_words, write_atomic
from pi0bench.files.folder_lock import PATIENCE_S, alone
from pi0bench.records import chunk_quality, manifest
from pi0bench.records.lerobot_eval_info import eval_infos
from pi0bench.records.run_folder import RunFolder
from pi0bench.release.claims import claims
from pi0bench.release.claims import markdown as claims_markdown
from pi0bench.release.published_records import Evidence
from pi0bench.release.publisher_notes import Told, trials
from pi0bench.release.readme_blocks import fill
from pi0bench.release.results_readme import CLAIMS, README, WITHDRAWN, common, readme, worlds
from pi0bench.report.comparison import Comparison
from pi0bench.report.comparison_tables import markdown as comparison_markdown
from pi0bench.report.csv_table import comparison_sheet
from pi0bench.report.html.html_page import INDEX, release_page, run_page
from pi0bench.report.latex_table import comparison_latex
from pi0bench.report.run_report import pages


def report(folders: Sequence[Path], incomplete: bool = False) -> list[Path]:
    """Write the pages of runs' folders or of published results again, from their records alone.

    Published runs have one page in common. Of a file, a Markdown text, the numbers that it quotes
    are written again (see `quoting`).

    Args:
        folders: of runs, or of published runs; or texts that quote them.
        incomplete: write them even when episodes of a run are missing.

    Returns:
        The files written.

    Raises:
        IncompleteError: episodes are missing.
        UsageError: a folder holds neither.
    """
    if not folders:
        raise UsageError("report: name the folders of runs, or of published runs")
    return [path for folder in folders for path in _report(folder, incomplete)]


def write_comparison(found: Comparison, folder: Path) -> list[Path]:
    """Write a comparison into `folder` and return the files."""
    texts = {
        "compare.md": comparison_markdown(found),
        "compare.tex": comparison_latex(found),
        "compare.csv": comparison_sheet(found),
    }
    return _write(folder, {name: text.encode() for name, text in texts.items()})


def _report(folder: Path, incomplete: bool) -> list[Path]:
    if folder.is_file():
        fill(folder)
        return [folder]
    if (folder / manifest.NAME).exists():
        with alone(folder, PATIENCE_S):
            return _run(folder, incomplete)
    runs = sorted(path.parent for path in folder.glob(f"*/{manifest.NAME}"))
    if not runs:
        raise UsageError(f"{folder}: holds neither a run nor published runs")
    with ExitStack() as held:
        for path in (folder, *runs):
            held.enter_context(alone(path, PATIENCE_S))
        return _release(folder, runs)


def _run(folder: Path, incomplete: bool) -> list[Path]:
    read = pages(RunFolder(folder), incomplete)
    others = eval_infos(read.records, RunFolder(folder).timings())
    return _write(folder, {**read.files, **others, INDEX: run_page(folder, read)})


def _release(folder: Path, runs: Sequence[Path]) -> list[Path]:
    read = {run.name: pages(RunFolder(run)) for run in runs}
    read = dict(sorted(read.items(), key=lambda named: -len(named[1].records)))  # the largest first
    # Claims are judged by tests for a number of episodes that was fixed before.
    fixed = [run for run in runs if read[run.name].analysis.fixed]
    evidence = Evidence(
        records=list({r.cell.key(): r for run in fixed for r in read[run.name].records}.values()),
        timings=list({t.key: t for run in fixed for t in RunFolder(run).timings()}.values()),
        qualities=[q for run in fixed for q in chunk_quality.read(run)],
    )
    judged, told = claims(evidence), Told(read_words(folder / WITHDRAWN), trials(folder))
    shared = worlds(read.values()), common(read.values())
    own = {
        README: readme(folder.name, read, judged, told).encode(),
        CLAIMS: claims_markdown(judged, told.notice).encode(),
        INDEX: release_page(folder, read, judged, *shared, told),
    }
    written = [path for run in runs for path in _write(run, read[run.name].files)]
    return written + _write(folder, own)


def _write(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    for name, data in files.items():
        write_atomic(folder / name, data)
    return [folder / name for name in files]
