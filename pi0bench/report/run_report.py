"""What a run's folder says to its reader: a pure function of its records and manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pi0bench.errors import IncompleteError
from pi0bench.records import manifest
from pi0bench.records.chunk_quality import read as read_quality
from pi0bench.records.record import Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.condition_profile import Profile, profiles
from pi0bench.report.csv_table import run_sheet
from pi0bench.report.enough_steps import verdicts
from pi0bench.report.figures.steps_figure import steps_figure
from pi0bench.report.headline_table import Headline, headline
from pi0bench.report.latex_table import run_latex
from pi0bench.report.markdown_table import footer, markdown, summarize
from pi0bench.report.mode_counts import choices
from pi0bench.report.resolvable_difference import Resolution
from pi0bench.report.shared_episodes import best
from pi0bench.report.statistical_methods import Analysis, analysis
from pi0bench.report.step_count_tables import steps_markdown
from pi0bench.report.success_rows import Row
from pi0bench.report.verdict_sentences import sentences

INCOMPLETE = (
    "INCOMPLETE: planned episodes are missing. Beside each rate stand its bounds: all that are "
    "missing fail, all succeed."
)
TABLE, FIGURE, STEPS = "table.md", "steps.png", "steps.md"
LATEX, SHEET = "table.tex", "table.csv"


@dataclass(frozen=True)
class Pages:
    """A run, ready to be read.

    Attributes:
        manifest: how it was measured.
        records: its episodes.
        analysis: its statistics.
        rows: a row for each condition and task, and their means.
        profiles: one for each condition that was measured.
        headline: the same side by side, the best marked.
        verdicts: how few steps are enough, in sentences.
        footer: what every number rests on, in sentences.
        files: contents by name; tables and figure of steps where there are several conditions.
    """

    manifest: Mapping[str, Any]
    records: Sequence[Record]
    analysis: Analysis
    rows: Sequence[Row]
    profiles: Sequence[Profile]
    headline: Headline
    verdicts: Sequence[str]
    footer: Sequence[str]
    files: Mapping[str, bytes]


def pages(folder: RunFolder, incomplete: bool = False) -> Pages:
    """Read a run's folder; equal records give equal bytes.

    Args:
        folder: of the run.
        incomplete: show what is there even when episodes are missing, with worst-case bounds.

    Raises:
        IncompleteError: episodes are missing.
        StorageError: the manifest or a record is broken.
        UsageError: it is no run's folder, or its records do not go together.
    """
    of = folder.manifest()
    manifest.must_be_whole(of, folder.root)
    records = [record for record in folder.records() if manifest.counts(of, record.cell)]
    keys = {record.cell.key() for record in records}
    timings = [timing for timing in folder.timings() if timing.key in keys]
    whole = manifest.complete(of, [record.cell for record in records if record.final])
    if not (whole or incomplete):
        raise IncompleteError(
            f"{folder.root}: episodes are missing, so there is no table; the run's command "
            "continues it, and --allow-incomplete shows what is there with worst-case bounds"
        )
    plan = manifest.plan(of)
    kind = analysis(plan.sequential)
    rows, bests = summarize(records, timings, plan), best(records, plan.roles, kind.pairs)
    lines = footer(records, timings, kind)
    if kind.fixed:
        lines.append(Resolution.of_records(records, plan.roles).sentence())
    lines.append("" if whole else INCOMPLETE)
    lines = [*filter(None, lines), manifest.sentence(of)]
    found = profiles(rows, records, timings, read_quality(folder.root), kind)
    found = [profile for profile in found if profile.total.rate is not None]
    head = headline(found, bests, kind)
    files = {TABLE: markdown(rows, lines).encode(), SHEET: run_sheet(rows, bests).encode()}
    files[LATEX] = run_latex(head, lines).encode()
    judged = verdicts(records, plan.roles, kind.pairs)
    if len(found) > 1:
        place = {profile.condition: number for number, profile in enumerate(found)}
        taken = sorted(
            choices(records, of), key=lambda c: (c.condition.world, c.task, place[c.condition])
        )
        files[FIGURE] = steps_figure(found, taken, kind)
        files[STEPS] = steps_markdown(found, taken, judged, lines, FIGURE, kind).encode()
    said = sentences(judged, kind)
    return Pages(of, records, kind, rows, found, head, said, lines, files)
