"""Everything that is made of a run's records, made again."""

from __future__ import annotations

from pathlib import Path

from pi0bench.files.folder_lock import PATIENCE_S, alone
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.html.html_page import INDEX, run_page
from pi0bench.report.run_files import run_files, write_files
from pi0bench.report.run_report import run_report


def regenerate(folder: Path, incomplete: bool = False) -> list[Path]:
    """Write the tables, figure and page of a run's folder again, from its records alone.

    Args:
        folder: of a run.
        incomplete: write them even when episodes are missing.

    Returns:
        The files written.

    Raises:
        IncompleteError: episodes are missing.
        UsageError: it holds no run.
    """
    with alone(folder, PATIENCE_S):
        report = run_report(RunFolder(folder), incomplete)
        files = run_files(report)
        return write_files(folder, {**files, INDEX: run_page(folder, report, files)})
