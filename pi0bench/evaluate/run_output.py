"""What a run leaves for its reader: tables, figure, videos and a page, and words on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pi0bench.evaluate import tensorboard_log
from pi0bench.evaluate.episode_jobs import Measure
from pi0bench.evaluate.executors import Executor
from pi0bench.evaluate.frame_recorder import FPS
from pi0bench.records import manifest
from pi0bench.records.lerobot_eval_info import NAME as EVAL_INFO
from pi0bench.records.lerobot_eval_info import SEVERAL as EVAL_INFOS
from pi0bench.records.record import NOMINAL, Cell, Record, contrast
from pi0bench.records.run_folder import EPISODES, TIMINGS, RunFolder
from pi0bench.report.html.html_page import INDEX, run_page
from pi0bench.report.rollout_videos import VIDEOS, choose, file_name, write_video
from pi0bench.report.run_files import (
    FIGURE,
    LATEX,
    MEANS,
    SHEET,
    STEPS,
    TABLE,
    run_files,
    write_files,
)
from pi0bench.report.run_report import RunReport, run_report
from pi0bench.report.terminal_table import print_tables, tables


def write(
    folder: RunFolder, console: Console, incomplete: bool = False
) -> tuple[RunReport, Mapping[str, bytes]] | None:
    """Write the run's tables and figure into its folder, and show what they say.

    Where no episode measured a policy there is no table, not even one of dashes.
    """
    if not any(record.final for record in folder.records()):
        console.print(Text("Nothing was measured, so there is no table."))
        return None
    report = run_report(folder, incomplete)
    files = run_files(report)
    write_files(folder.root, files)
    tensorboard_log.log(folder.root, report)
    print_tables(tables(report), console)
    for line in (*report.sentences, *report.footer):
        console.print(Text(line, style="dim"))
    return report, files


def write_page(folder: RunFolder, report: RunReport, files: Mapping[str, bytes]) -> None:
    """Write the page of everything, which holds the videos and so comes after them."""
    write_files(folder.root, {INDEX: run_page(folder.root, report, files)})


def contents(folder: RunFolder) -> str:
    """Say where everything is."""
    names = [INDEX, TABLE, LATEX, SHEET, MEANS, STEPS, FIGURE, EPISODES, TIMINGS, manifest.NAME]
    names += [EVAL_INFO, EVAL_INFOS, VIDEOS]
    there = [name for name in names if folder.path(name).exists()]
    return f"{folder.root}: {', '.join(there)}"


def films(folder: RunFolder, cells: Sequence[Cell]) -> list[Record]:
    """Return the episodes whose video is still to be made; none while episodes are missing."""
    if folder.missing(cells):
        return []
    keys = {cell.key() for cell in cells}
    measured = [record for record in folder.records() if record.cell.key() in keys]
    return [r for r in choose(measured) if not _path(folder, r).exists()]


def write_videos(folder: RunFolder, records: Sequence[Record], executor: Executor) -> Iterator[str]:
    """Run episodes again, this time with a camera, and write one video each.

    Yields:
        A line for an episode that could not be filmed, or that ended otherwise than before: that
        should never happen.
    """
    if not records:
        return
    before = {record.cell.key(): record for record in records}
    jobs = [Measure((record.cell,), film=True) for record in records]
    yield f"Making {len(records)} video{'s' if len(records) > 1 else ''}."
    for outcome in executor.run(jobs):
        record = before[outcome.record.cell.key()]
        where = f"{record.cell.policy} on {record.cell.task}, episode {record.cell.episode}"
        if not outcome.record.final:
            yield f"{where}: no video: {outcome.record.fault}"
            continue
        if outcome.record != record:
            yield f"{where} ended otherwise when repeated: {contrast(record, outcome.record)}"
        write_video(_path(folder, record), outcome.frames, _caption(record), FPS)


def _caption(record: Record) -> str:
    cell = record.cell
    varied = "" if cell.variation == NOMINAL else f" · {cell.variation}"
    return f"{cell.task}{varied} · episode {cell.episode} · {record.status}"


def _path(folder: RunFolder, record: Record) -> Path:
    return folder.path(VIDEOS) / file_name(record)
