"""One row of a result: what a group of episodes says, with its n and its intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from pi0bench.policy_role import Role
from pi0bench.records.condition import Condition
from pi0bench.records.record import Record
from pi0bench.report.statistical_methods import FIXED, Analysis
from pi0bench.stats.success_intervals import Exact, Interval, bounded_mean, pooled_mean


@dataclass(frozen=True)
class Row:
    """One task, or the mean over the tasks, under one condition; None where nothing was measured.

    Attributes:
        condition: what the episodes have in common.
        task: the task's name, or words like "mean of 4 tasks".
        is_mean: True for the mean over the tasks.
        successes: episodes that ended in success.
        n: episodes that measured the policy.
        rate: success rate; of a mean row, the mean of the tasks' rates.
        interval: 95 % interval of `rate`.
        progress: mean partial credit; of a mean row, the mean of the tasks' means.
        progress_interval: 95 % interval of `progress`.
        success_s: median seconds to success over the `successes`.
        success_s_interval: 95 % interval of that median, None below six successes.
        replan_ms: median and 95th percentile of the latency of one re-plan.
        timed: episodes that `replan_ms` rests on.
        evaluations: trunk evaluations per re-plan, total over total.
        replans: re-plans that `evaluations` rests on.
        faults: failures that were the policy's fault (an exception, a non-finite action).
        unmeasured: planned episodes without a result of the policy's.
        bounds: of `rate` if all of those had failed, and if all had succeeded.
        role: of the policy.
    """

    condition: Condition
    task: str
    is_mean: bool
    successes: int
    n: int
    rate: float | None
    interval: Interval
    progress: float | None
    progress_interval: Interval
    success_s: float | None
    success_s_interval: Interval | None
    replan_ms: tuple[float, float] | None
    timed: int
    evaluations: float | None
    replans: int
    faults: int
    unmeasured: int
    bounds: Interval
    role: Role


def row(
    condition: Condition,
    tasks: Mapping[str, Sequence[Record]],
    replan_ms: Mapping[str, float],
    planned: int = 0,
    kind: Analysis = FIXED,
    role: Role = Role.COMPETES,
) -> Row:
    """Return the row of one task, or the mean row of several.

    Args:
        condition: what all the records have in common.
        tasks: the records of each task; a task without measured episodes enters no mean, and
            the row's name says so.
        replan_ms: latency of one re-plan by the cell's key.
        planned: episodes that each task was to have; as many as there are records, by default.
        kind: the statistics of the run.
        role: of the policy.
    """
    lacking = {
        name: max(planned, len(records)) - sum(r.final for r in records)
        for name, records in tasks.items()
    }
    bounds = [_bounds(records, lacking[name]) for name, records in tasks.items()]
    measured = {name: [r for r in records if r.final] for name, records in tasks.items()}
    measured = {name: records for name, records in measured.items() if records}
    groups = list(measured.values())
    records = [record for group in groups for record in group]
    rate, interval = _rate(groups, kind.rate)
    progress, progress_interval = _progress(groups, kind.rate)
    seconds = [r.success_s for r in records if r.success_s is not None]
    latencies = [replan_ms[r.cell.key()] for r in records if r.cell.key() in replan_ms]
    p50, p95 = np.percentile(latencies, [50, 95]) if latencies else (0.0, 0.0)
    replans = sum(r.replans for r in records)
    part = str(len(tasks)) if len(measured) == len(tasks) else f"{len(measured)} of {len(tasks)}"
    return Row(
        condition=condition,
        task=next(iter(tasks)) if len(tasks) == 1 else f"mean of {part} tasks",
        is_mean=len(tasks) > 1,
        successes=sum(r.status == "success" for r in records),
        n=len(records),
        rate=rate,
        interval=interval,
        progress=progress,
        progress_interval=progress_interval,
        success_s=median(seconds) if seconds else None,
        success_s_interval=kind.median(seconds),
        replan_ms=(float(p50), float(p95)) if latencies else None,
        timed=len(latencies),
        evaluations=sum(r.trunk_evaluations for r in records) / replans if replans else None,
        replans=replans,
        faults=sum(r.status == "policy_fault" for r in records),
        unmeasured=sum(lacking.values()),
        bounds=Interval(fmean(b.low for b in bounds), fmean(b.high for b in bounds)),
        role=role,
    )


def _bounds(records: Sequence[Record], lacking: int) -> Interval:
    """The rate of one task if all that lack had failed, and if all had succeeded."""
    successes, n = sum(r.status == "success" for r in records), sum(r.final for r in records)
    total = n + lacking
    return (
        Interval(successes / total, (successes + lacking) / total) if total else Interval(0.0, 1.0)
    )


def _rate(groups: Sequence[Sequence[Record]], exact: Exact) -> tuple[float | None, Interval]:
    if not groups:
        return None, Interval(0.0, 1.0)
    counts = [(sum(r.status == "success" for r in group), len(group)) for group in groups]
    return pooled_mean(counts, exact=exact)


def _progress(groups: Sequence[Sequence[Record]], exact: Exact) -> tuple[float | None, Interval]:
    if not groups:
        return None, Interval(0.0, 1.0)
    mean = fmean(fmean(r.progress for r in group) for group in groups)
    n = len(groups) * min(map(len, groups))
    return mean, bounded_mean(mean * n, n, exact=exact)
