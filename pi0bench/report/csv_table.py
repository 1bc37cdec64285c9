"""Tables as CSV, one number a column and at full precision, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from pi0bench.report.comparison import Comparison, Standing
from pi0bench.report.headline_table import Bests
from pi0bench.report.number_format import in_sheet
from pi0bench.report.success_rows import Row
from pi0bench.stats.success_intervals import Interval

Cell = str | int | float | None

RUN = (
    *("policy", "role", "solver", "steps", "engine", "renderer", "variation", "task"),
    *("not_told_from_best", "successes", "n", "rate", "rate_low95", "rate_high95"),
    *("partial_credit", "partial_credit_low95", "partial_credit_high95"),
    *("success_median_s", "success_low95_s", "success_high95_s"),
    *("replan_p50_ms", "replan_p95_ms", "n_timed", "evaluations_per_replan", "n_replans"),
    *("policy_faults", "unmeasured"),
)
TIME = ("clock", "delay", "execute", "look", "control_hz", "coarsen")
"""Columns of runs in which looks, plans and actions do not always follow each other as usual."""
_STANDING = (
    *("condition", "role", "not_told_from_best"),
    *("successes", "n", "rate", "rate_low95", "rate_high95"),
    *("below_best", "below_best_low95", "below_best_high95", "only_best", "only_this"),
)
_TASKS = (
    *("below_best_these_tasks_low95", "below_best_these_tasks_high95"),
    *("below_best_other_tasks_low95", "below_best_other_tasks_high95"),
    "policy_faults",
)


def run_sheets(rows: Iterable[Row], bests: Bests) -> tuple[str, str]:
    """Return a line for each condition and task, and apart from them one for each mean over tasks.

    The second is "" where there is a single task.

    Rates and partial credit lie in [0, 1], names in _s are seconds and in _ms milliseconds. What
    was not measured or does not apply is empty; whether a condition is one of the best is said
    where its rate is over all tasks.
    """
    rows = list(rows)
    several = {row.condition for row in rows if row.is_mean}
    timed = any(row.condition.timing for row in rows)
    names = (*RUN, *TIME) if timed else RUN
    lines: dict[bool, list[list[Cell]]] = {False: [], True: []}
    for row in rows:
        of = row.condition
        pace: tuple[Cell, ...] = (of.clock, of.delay, of.execute or None, of.look)
        time = (*pace, of.control_hz, of.coarsen) if timed else ()
        lines[row.is_mean].append([*_run(row, bests, of in several), *time])
    return _sheet(names, lines[False]), _sheet(names, lines[True]) if several else ""


def comparison_sheet(found: Comparison) -> str:
    """Return a line for each condition on the shared episodes, the highest rate first.

    Differences are the best's rate less this one's, in [-1, 1]; empty for the best itself.
    """
    test = "mcnemar_p" if found.analysis.fixed else "e_value_p"
    names = (*_STANDING, test, f"{test}_holm", "rho", *_TASKS)
    return _sheet(names, (_standing(s, s.name in found.best) for s in found.standings))


def _run(row: Row, bests: Bests, several: bool) -> list[Cell]:
    condition = row.condition
    best = bests.get(condition.world)
    told = row.is_mean == several
    p50, p95 = row.replan_ms or (None, None)
    return [
        condition.policy,
        str(row.role),
        condition.solver if condition.steps else "",
        condition.steps or None,
        *condition.world,
        row.task,
        _yes(condition in best.conditions) if best and best.n and told else "",
        row.successes,
        row.n,
        row.rate,
        *_ends(row.interval if row.n else None),
        row.progress,
        *_ends(row.progress_interval if row.n else None),
        row.success_s,
        *_ends(row.success_s_interval),
        p50,
        p95,
        row.timed,
        row.evaluations,
        row.replans,
        row.faults,
        row.unmeasured,
    ]


def _standing(standing: Standing, best: bool) -> list[Cell]:
    result = standing.against
    tests: list[Cell] = [None] * 8
    if result is not None:
        ends = _ends(result.interval)
        tests = [result.difference, *ends, result.only_first, result.only_second]
        tests += [result.p, standing.p, standing.rho]
    return [
        standing.name,
        str(standing.role),
        _yes(best),
        standing.successes,
        standing.n,
        standing.successes / standing.n,
        *_ends(standing.interval),
        *tests,
        *_ends(standing.these),
        *_ends(standing.others),
        standing.faults,
    ]


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _ends(interval: Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else (interval.low, interval.high)


def _sheet(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([in_sheet(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()
