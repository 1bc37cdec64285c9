"""What is said of a run: a pure function of its records and manifest; formats only write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pi0bench.errors import IncompleteError
from pi0bench.records import manifest
from pi0bench.records.chunk_quality import read as read_quality
from pi0bench.records.record import Record, Timing
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.condition_profile import Profile, profiles
from pi0bench.report.enough_steps import Verdict, verdicts
from pi0bench.report.headline_table import Headline, headline
from pi0bench.report.mode_counts import Choice, choices
from pi0bench.report.over_trainings import Trained, over_trainings
from pi0bench.report.resolvable_difference import Resolution
from pi0bench.report.shared_episodes import Best, best
from pi0bench.report.statistical_methods import Analysis, analysis
from pi0bench.report.success_rows import Row
from pi0bench.report.success_table import footer, summarize
from pi0bench.report.verdict_sentences import sentences

INCOMPLETE = (
    "INCOMPLETE: planned episodes are missing. Beside each rate stand its bounds: all that are "
    "missing fail, all succeed."
)


@dataclass(frozen=True)
class RunReport:
    """A run, ready to be told in any format.

    Attributes:
        manifest: how it was measured.
        records: its episodes.
        timings: theirs.
        complete: False when planned episodes are missing.
        analysis: its statistics.
        rows: a row for each condition and task, and their means.
        bests: the conditions of each world that cannot be told from its best.
        profiles: one for each condition that was measured.
        headline: the same side by side, the best marked.
        trained: policies over their trainings, where some have several.
        choices: which way was taken, on the tasks that have several.
        verdicts: how few steps are enough.
        resolution: which differences it can show; None where it was to stop early.
        footer: what every number rests on, in sentences.
    """

    manifest: Mapping[str, Any]
    records: Sequence[Record]
    timings: Sequence[Timing]
    complete: bool
    analysis: Analysis
    rows: Sequence[Row]
    bests: Mapping[tuple[str, str, str], Best]
    profiles: Sequence[Profile]
    headline: Headline
    trained: Sequence[Trained]
    choices: Sequence[Choice]
    verdicts: Sequence[Verdict]
    resolution: Resolution | None
    footer: Sequence[str]

    @property
    def sentences(self) -> list[str]:
        """The verdicts in words."""
        return sentences(self.verdicts, self.analysis)


def run_report(folder: RunFolder, incomplete: bool = False) -> RunReport:
    """Read a run's folder; equal records give equal reports.

    Args:
        folder: of the run.
        incomplete: tell what is there even when episodes are missing, with worst-case bounds.

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
    found = profiles(rows, records, timings, read_quality(folder.root), kind)
    found = [profile for profile in found if profile.total.rate is not None]
    resolution = Resolution.of_records(records, plan.roles) if kind.fixed else None
    place = {profile.condition: number for number, profile in enumerate(found)}
    taken = choices(records, of)
    lines = [
        *footer(records, timings, kind),
        *([resolution.sentence()] if resolution else []),
        *([] if whole else [INCOMPLETE]),
        manifest.sentence(of),
    ]
    return RunReport(
        manifest=of,
        records=records,
        timings=timings,
        complete=whole,
        analysis=kind,
        rows=rows,
        bests=bests,
        profiles=found,
        headline=headline(found, bests, kind),
        trained=over_trainings(records, plan.roles) if kind.fixed else [],
        choices=sorted(taken, key=lambda c: (c.condition.world, c.task, place[c.condition])),
        verdicts=verdicts(records, plan.roles, kind.pairs),
        resolution=resolution,
        footer=lines,
    )
