"""What a run leaves for its reader: tables, figure, videos and a page, and words on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pi0bench.evaluate.episode_jobs import Measure
from pi0bench.evaluate.executors import Executor
from pi0bench.evaluate.frame_recorder import FPS
from pi0bench.files.durable import write_atomic
from pi0bench.records import manifest
from pi0bench.records.lerobot_eval_info import NAME as EVAL_INFO
from pi0bench.records.lerobot_eval_info import SEVERAL as EVAL_INFOS
from pi0bench.records.lerobot_eval_info import eval_infos
from pi0bench.records.record import NOMINAL, Cell, Record, contrast
from pi0bench.records.run_folder import EPISODES, TIMINGS, RunFolder
from pi0bench.report.html.html_page import INDEX, run_page
from pi0bench.report.markdown_table import print_table
from pi0bench.report.rollout_videos import VIDEOS, choose, file_name, write_video
from pi0bench.report.run_report import FIGURE, LATEX, SHEET, STEPS, TABLE, Pages, pages
from pi0bench.report.terminal_table import print_compact


def write(folder: RunFolder, console: Console, incomplete: bool = False) -> Pages | None:
    """Write the run's tables and figure into its folder, and show what they say.

    Where no episode measured a policy there is no table, not even one of dashes.
    """
    if not any(record.final for record in folder.records()):
        console.print(Text("Nothing was measured, so there is no table."))
        return None
    read = pages(folder, incomplete)
    others = eval_infos(read.records, folder.timings())
    for name, data in {**read.files, **others}.items():
        write_atomic(folder.path(name), data)
    if len(read.profiles) > 1:
        print_compact(read.profiles, console)
    else:
        print_table(read.rows, console)
    for line in (*read.verdicts, *read.footer):
        console.print(Text(line, style="dim"))
    return read


def write_page(folder: RunFolder, read: Pages) -> None:
    """Write the page of everything, which holds the videos and so comes after them."""
    write_atomic(folder.path(INDEX), run_page(folder.root, read))


def contents(folder: RunFolder) -> str:
    """Say where everything is."""
    names = [INDEX, TABLE, LATEX, SHEET, STEPS, FIGURE, EPISODES, TIMINGS, manifest.NAME]
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
