"""All rows of a run in the order of its tables, and the sentences that belong under them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence

from pi0bench.errors import UsageError
from pi0bench.policy_role import Role
from pi0bench.records.condition import by_condition
from pi0bench.records.manifest import NO_PLAN, Plan
from pi0bench.records.record import Record, Timing
from pi0bench.report.number_format import NOTHING
from pi0bench.report.statistical_methods import FIXED, Analysis, analysis
from pi0bench.report.success_rows import Row, row


def summarize(
    records: Iterable[Record],
    timings: Iterable[Timing],
    plan: Plan = NO_PLAN,
) -> list[Row]:
    """Return a row for each condition and task, and a mean row where there are several tasks.

    Conditions are ordered by world, then role, then success, those that compete first; tasks by
    their names; the mean comes last. With a plan there is also a row for a task of which a
    condition has no record.

    Raises:
        UsageError: a task or a policy comes in two versions, which no one row can describe.
    """
    records = sorted(records, key=lambda r: (r.cell.task, r.cell.key()))
    _refuse_two_versions("task", {(r.cell.task, r.cell.task_hash) for r in records})
    _refuse_two_versions("policy", {(r.cell.policy, r.cell.weights) for r in records})
    replan_ms = {t.key: t.replan_ms for t in timings if t.replan_ms is not None}
    kind = analysis(plan.sequential)
    blocks: list[list[Row]] = []
    for condition, group in by_condition(records).items():
        tasks: dict[str, list[Record]] = {name: [] for name in sorted(plan.tasks)}
        for record in group:
            tasks.setdefault(record.cell.task, []).append(record)
        role = plan.roles.get(condition.policy, Role.COMPETES)
        parts = [{name: part} for name, part in tasks.items()]
        parts += [tasks] if len(tasks) > 1 else []
        blocks.append([row(condition, p, replan_ms, plan.episodes, kind, role) for p in parts])
    return [line for block in _ordered(blocks) for line in block]


def _ordered(blocks: Sequence[Sequence[Row]]) -> list[Sequence[Row]]:
    """Sort the conditions' rows, of which the last is over all tasks.

    A policy stands where its best condition belongs, so that its samplers stay together; of a
    sampler the world that waits comes first, and delays and step counts rise.
    """
    by_policy = _best(blocks, lambda r: (r.condition.world, r.condition.policy))
    by_sampler = _best(blocks, lambda r: r.condition.curve[:3])

    def key(block: Sequence[Row]) -> tuple[object, ...]:
        total, of = block[-1], block[-1].condition
        best = by_policy[of.world, of.policy], by_sampler[of.curve[:3]]
        who = -best[0], of.policy, -best[1], of.solver
        return of.world, total.role.place, *who, of.pace, of.steps

    return sorted(blocks, key=key)


def _best(
    blocks: Sequence[Sequence[Row]], group: Callable[[Row], Hashable]
) -> dict[Hashable, float]:
    """The highest rate of each group; below 0 where nothing was measured."""
    found: dict[Hashable, float] = {}
    for *_, total in blocks:
        rate = -1.0 if total.rate is None else total.rate
        found[group(total)] = max(rate, found.get(group(total), rate))
    return found


def _refuse_two_versions(kind: str, pairs: set[tuple[str, str]]) -> None:
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise UsageError(
            f"records of two versions of {kind} {', '.join(sorted(twice))}; "
            "summarize the runs apart, or compare them"
        )


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
