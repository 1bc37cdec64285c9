"""What a run leaves for its reader: tables, figure, videos and a page, and words on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pi0bench.evaluate import tensorboard_log
from pi0bench.evaluate.executors import Executor
from pi0bench.evaluate.film_drawing import DrawFilm
from pi0bench.evaluate.film_recording import Recordings
from pi0bench.files.durable import write_atomic
from pi0bench.records import manifest
from pi0bench.records.lerobot_eval_info import NAME as EVAL_INFO
from pi0bench.records.lerobot_eval_info import SEVERAL as EVAL_INFOS
from pi0bench.records.record import Cell, Record
from pi0bench.records.run_folder import EPISODES, TIMINGS, RunFolder
from pi0bench.report.html.html_page import INDEX, run_page
from pi0bench.report.rollout_videos import VIDEOS, choose, file_name
from pi0bench.report.run_files import (
    FIGURES,
    LATEX,
    MEANS,
    REALTIME,
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
    names = [INDEX, TABLE, LATEX, SHEET, MEANS, STEPS, REALTIME, *FIGURES, EPISODES, TIMINGS]
    names += [manifest.NAME, EVAL_INFO, EVAL_INFOS, VIDEOS]
    there = [name for name in names if folder.path(name).exists()]
    return f"{folder.root}: {', '.join(there)}"


def films(folder: RunFolder, cells: Sequence[Cell], recordings: Recordings) -> list[DrawFilm]:
    """Return the films that are still to be drawn; none while episodes are missing."""
    if folder.missing(cells):
        return []
    keys = {cell.key() for cell in cells}
    measured = [record for record in folder.records() if record.cell.key() in keys]
    wanted = [r for r in choose(measured) if not _path(folder, r).exists()]
    return [DrawFilm(record, recordings.of(record)) for record in wanted]


def write_videos(folder: RunFolder, jobs: Sequence[DrawFilm], executor: Executor) -> Iterator[str]:
    """Draw films, of recordings or else of episodes that are run again, and write each.

    Yields:
        Lines that say so, and which episodes have no film.
    """
    if not jobs:
        return
    yield f"Making {len(jobs)} video{'s' if len(jobs) > 1 else ''}."
    makeshifts = set[str]()
    for film in executor.run(jobs):
        cell = film.record.cell
        if film.problem:
            yield f"{cell.policy} on {cell.task}, episode {cell.episode}: {film.problem}"
        if film.makeshift and film.makeshift not in makeshifts:
            makeshifts.add(film.makeshift)
            yield film.makeshift
        if film.mp4:
            write_atomic(_path(folder, film.record), film.mp4)


def _path(folder: RunFolder, record: Record) -> Path:
    return folder.path(VIDEOS) / file_name(record)
