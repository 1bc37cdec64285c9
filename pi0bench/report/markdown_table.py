"""A run's table as Markdown: the same rows give the same text."""

from __future__ import annotations

from collections.abc import Sequence

from pi0bench.report.competing_policies import headings
from pi0bench.report.headline_table import (
    FAULTS,
    Headline,
    evaluations,
    milliseconds,
    rate,
    successes,
)
from pi0bench.report.number_format import (
    NOTHING,
    bold,
    in_markdown,
    markdown_table,
    percent,
    percents,
    plain,
    span,
)
from pi0bench.report.over_trainings import Trained
from pi0bench.report.success_rows import Row
from pi0bench.report.trainings_table import trainings_markdown


def markdown(
    rows: Sequence[Row], footer_lines: Sequence[str], trained: Sequence[Trained] = ()
) -> str:
    """Return a Markdown table for each engine, renderer and variation, then the footer.

    Before the footer stands what policies do over their trainings, where some have several.
    """
    blocks: list[str] = []
    names = ["policy", "steps", "solver", "task", "success", "rate", "partial credit"]
    names += ["seconds to success", "ms/re-plan p50 / p95", "evaluations/re-plan", "policy faults"]
    for world in sorted({r.condition.world for r in rows}):
        here = [r for r in rows if r.condition.world == world]
        lines = [
            [r.condition.called, str(r.condition.steps), r.condition.solver, r.task, *cells(r)]
            for r in here
        ]
        above = headings([("", r.role) for r in here])
        table = markdown_table(names, lines, words=4, above=above)
        blocks.append(f"**{in_markdown(' / '.join(world))}**\n\n{table}")
    blocks += trainings_markdown(trained)
    blocks += [in_markdown(line) for line in footer_lines]
    return "\n\n".join(blocks) + "\n"


def headline_markdown(found: Headline) -> str:
    """One row a condition: the mean over the tasks, and each task's successes."""
    tasks = found.tasks if len(found.tasks) > 1 else ()
    names = [*found.names, "evaluations/re-plan", "ms/re-plan p50", found.mean]
    names += [*([FAULTS] if found.faulty else []), *tasks]
    lines = []
    for line in found.lines:
        named = [bold(word) if line.best and word != NOTHING else word for word in line.who]
        cells = [evaluations(line), milliseconds(line), rate(line.total)]
        cells += [str(line.total.faults)] if found.faulty else []
        lines.append([*named, *cells, *successes(line, tasks)])
    return markdown_table(names, lines, len(found.names) - 1, found.above)


def cells(r: Row) -> list[str]:
    """Return success, rate, partial credit, seconds, latency, evaluations and faults as text."""
    seconds = NOTHING if r.success_s is None else f"{r.success_s:.1f}"
    latency = NOTHING if r.replan_ms is None else "{:.1f} / {:.1f}".format(*r.replan_ms)
    if r.replan_ms is not None and r.timed != r.n:
        latency += f" (n={r.timed})"
    return [
        f"{r.successes}/{r.n}",
        f"{percent(r.rate)} {percents(r.interval)}{_worst(r)}" if r.n else NOTHING + _worst(r),
        f"{percent(r.progress)} {percents(r.progress_interval)}" if r.n else NOTHING,
        f"{seconds} {span(r.success_s_interval)}".rstrip(),
        latency,
        plain(r.evaluations),
        f"{r.faults}/{r.n}",
    ]


def _worst(r: Row) -> str:
    """The bounds of a row of which episodes are missing."""
    return f" ({r.unmeasured} missing: {percents(r.bounds)})" if r.unmeasured else ""
