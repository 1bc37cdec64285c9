"""Result tables: pure functions of records and timings; the same records give the same text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from pi0bench.errors import UsageError
from pi0bench.policy_role import Role
from pi0bench.records.condition import Condition
from pi0bench.records.manifest import NO_PLAN, Plan
from pi0bench.records.record import Record, Timing
from pi0bench.report.competing_policies import headings
from pi0bench.report.condition_order import ordered
from pi0bench.report.number_format import (
    NOTHING,
    in_markdown,
    markdown_table,
    percent,
    percents,
    plain,
    printable,
    span,
)
from pi0bench.report.statistical_methods import FIXED, Analysis, analysis
from pi0bench.report.success_rows import Row, row
from pi0bench.report.terminal_grid import Column, Line, print_grid

if TYPE_CHECKING:
    from rich.console import Console

ELSEWHERE = "The page and the files of the run have everything."
"""Where those columns are that a terminal has no room for."""

FAULTY = Column("policy\nfaults")
"""Where there are some they are always shown."""


def summarize(
    records: Iterable[Record],
    timings: Iterable[Timing],
    plan: Plan = NO_PLAN,
) -> list[Row]:
    """Return a row for each condition and task, and a mean row where there are several tasks.

    Conditions are in the order of `order.ordered`, tasks in that of their names; the mean comes
    last. With a plan there is also a row for a task of which a condition has no record.

    Raises:
        UsageError: a task or a policy comes in two versions, which no one row can describe.
    """
    records = sorted(records, key=lambda r: (Condition.of(r), r.cell.task, r.cell.key()))
    _refuse_two_versions("task", {(r.cell.task, r.cell.task_hash) for r in records})
    _refuse_two_versions("policy", {(r.cell.policy, r.cell.weights) for r in records})
    replan_ms = {t.key: t.replan_ms for t in timings if t.replan_ms is not None}
    kind = analysis(plan.sequential)
    blocks: list[list[Row]] = []
    for condition, group in groupby(records, key=Condition.of):
        tasks: dict[str, list[Record]] = {name: [] for name in sorted(plan.tasks)}
        for record in group:
            tasks.setdefault(record.cell.task, []).append(record)
        role = plan.roles.get(condition.policy, Role.COMPETES)
        parts = [{name: part} for name, part in tasks.items()]
        parts += [tasks] if len(tasks) > 1 else []
        blocks.append([row(condition, p, replan_ms, plan.episodes, kind, role) for p in parts])
    return [line for block in ordered(blocks) for line in block]


def footer(
    records: Iterable[Record], timings: Iterable[Timing] = (), kind: Analysis = FIXED
) -> list[str]:
    """Return the sentences that belong under every table of these records.

    Args:
        records: all of them.
        timings: theirs.
        kind: the statistics of the run.
    """
    records = list(records)
    again = sum(timing.attempts > 1 for timing in timings)
    unmeasured = Counter(r.status for r in records if not r.final)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(unmeasured.items()))
    seeds = ", ".join(str(seed) for seed in sorted({r.cell.seed for r in records}))
    return [
        f"[low, high] is the 95 % interval: {kind.rates}, for rates and partial credit, on the "
        "pooled episodes (conservative) for a mean over tasks, order statistics for the median "
        f"seconds (none {kind.few}). Every number rests on the row's n, seconds on its "
        "successes, unless n is given.",
        f"Seed {seeds or NOTHING}. Policy faults count as failures. "
        f"Not measured, and not in n: {counts or 'none'}.",
        *([f"Begun again, because something around the policy broke: {again}."] if again else []),
    ]


def markdown(rows: Sequence[Row], footer_lines: Sequence[str]) -> str:
    """Return a Markdown table for each engine, renderer and variation, then the footer."""
    blocks: list[str] = []
    names = ["policy", "steps", "solver", "task", "success", "rate", "partial credit"]
    names += ["seconds to success", "ms/re-plan p50 / p95", "evaluations/re-plan", "policy faults"]
    for world in sorted({r.condition.world for r in rows}):
        here = [r for r in rows if r.condition.world == world]
        lines = [
            [r.condition.policy, str(r.condition.steps), r.condition.solver, r.task, *_cells(r)]
            for r in here
        ]
        above = headings([("", r.role) for r in here])
        table = markdown_table(names, lines, words=4, above=above)
        blocks.append(f"**{in_markdown(' / '.join(world))}**\n\n{table}")
    blocks += [in_markdown(line) for line in footer_lines]
    return "\n\n".join(blocks) + "\n"


def print_table(rows: Sequence[Row], console: Console) -> None:
    """Print a table for each policy and step count, with what the terminal has room for."""
    from rich.text import Text

    columns = [
        Column("task", "name"),
        Column("success"),
        Column("rate", goes="rate"),
        Column("95 % CI"),
        Column("time to\nsuccess", goes="seconds"),
        Column("ms/re-plan\np50 / p95", goes="milliseconds"),
        Column("evals/\nre-plan", goes="evaluations"),
    ]
    for condition, group in groupby(rows, key=lambda r: r.condition):
        steps = f"{condition.steps} step{'' if condition.steps == 1 else 's'}"
        title = f"{condition.policy} · {steps} · {condition.solver} · {' / '.join(condition.world)}"
        group = list(group)
        faulty = any(r.faults for r in group)
        lines: list[Line] = []
        for r in group:
            success, _, _, _, latency, evaluations, _ = _cells(r)
            seconds = NOTHING if r.success_s is None else f"{r.success_s:.1f} s"
            interval = percents(r.interval) if r.n else NOTHING
            task = r.task.removeprefix(f"{condition.world[0]}/")  # the title names the engine
            cells = [task, success, percent(r.rate), interval, seconds, latency, evaluations]
            cells += [str(r.faults)] if faulty else []
            lines.append(Line(cells, style="bold" if r.is_mean else ""))
        console.print(Text(printable(title), style="italic"))
        print_grid([*columns, *([FAULTY] if faulty else [])], lines, console, ELSEWHERE, ruled=True)


def _cells(r: Row) -> list[str]:
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


def _refuse_two_versions(kind: str, pairs: set[tuple[str, str]]) -> None:
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise UsageError(
            f"records of two versions of {kind} {', '.join(sorted(twice))}; "
            "summarize the runs apart, or compare them"
        )
