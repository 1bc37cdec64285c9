"""The files that a run's report is written into, each format by its own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pi0bench.files.durable import write_atomic
from pi0bench.records.lerobot_eval_info import eval_infos
from pi0bench.report.comparison import Comparison
from pi0bench.report.comparison_tables import markdown as comparison_markdown
from pi0bench.report.csv_table import comparison_sheet, run_sheets
from pi0bench.report.figures.delay_figure import delay_figure, has_delays
from pi0bench.report.figures.effort_figure import effort_figure, has_efforts
from pi0bench.report.figures.reaction_figure import has_waits, reaction_figure
from pi0bench.report.figures.steps_figure import steps_figure
from pi0bench.report.latex_table import comparison_latex, run_latex
from pi0bench.report.markdown_table import markdown
from pi0bench.report.real_time_table import NAME as REALTIME
from pi0bench.report.real_time_table import real_time_markdown, tells
from pi0bench.report.run_report import RunReport
from pi0bench.report.step_count_tables import steps_markdown

TABLE, FIGURE, STEPS, DELAYS = "table.md", "steps.png", "steps.md", "delays.png"
REACTION, EFFORT = "reaction.png", "effort.png"
LATEX, SHEET, MEANS = "table.tex", "table.csv", "table_means.csv"


@dataclass(frozen=True)
class Figure:
    """A figure's heading, and what it shows to who cannot see it."""

    title: str
    alt: str


FIGURES = {
    FIGURE: Figure(
        "Success by steps and time, and why",
        "Success rate against trunk evaluations and against milliseconds for every policy, the "
        "reasons why, and each task.",
    ),
    DELAYS: Figure(
        "Success while the world goes on",
        "Success rate against the delay of a plan, a panel for each policy and sampler, a line for "
        "each clock.",
    ),
    EFFORT: Figure(
        "Success by how often it plans",
        "Success rate against plans a second of the robot's time, a panel for each policy and "
        "sampler, a line for each rule by which it looks again.",
    ),
    REACTION: Figure(
        "Success by how soon a change is acted on",
        "Success rate against the control steps from a change of the world until it is acted on, a "
        "panel for each policy, a line for each clock and number of steps.",
    ),
}
"""By the names of their files, in the order in which they are shown."""


def tables(report: RunReport) -> dict[str, bytes]:
    """Return contents by name; figures and tables of steps where there are several conditions."""
    sheet, means = run_sheets(report.rows, report.bests)
    texts = {
        TABLE: markdown(report.rows, report.footer, report.trained),
        SHEET: sheet,
        MEANS: means,
        LATEX: run_latex(report.headline, report.footer, report.trained),
    }
    files = {name: text.encode() for name, text in texts.items() if text}
    if len(report.profiles) > 1:
        files[FIGURE] = steps_figure(report.profiles, report.choices, report.analysis)
        files[STEPS] = _steps(report).encode()
    if has_delays(report.profiles):
        files[DELAYS] = delay_figure(report.profiles)
    if has_efforts(report.profiles):
        files[EFFORT] = effort_figure(report.profiles)
    if tells(report.profiles):
        files[REALTIME] = real_time_markdown(report.profiles).encode()
        if has_waits(report.profiles):
            files[REACTION] = reaction_figure(report.profiles)
    return files


def _steps(report: RunReport) -> str:
    told = report.profiles, report.choices, report.verdicts, report.footer
    return steps_markdown(*told, FIGURE, report.analysis)


def run_files(report: RunReport) -> dict[str, bytes]:
    """Return the same, and what other tools read."""
    return {**tables(report), **eval_infos(report.records, report.timings)}


def comparison_files(found: Comparison) -> dict[str, bytes]:
    """Return a comparison's contents by name."""
    texts = {
        "compare.md": comparison_markdown(found),
        "compare.tex": comparison_latex(found),
        "compare.csv": comparison_sheet(found),
    }
    return {name: text.encode() for name, text in texts.items()}


def write_files(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write them into `folder`, each whole or not at all, and return their paths."""
    for name, data in files.items():
        write_atomic(folder / name, data)
    return [folder / name for name in files]
