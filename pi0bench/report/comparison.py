"""Conditions of one or several runs, compared on the episodes that all of them share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pi0bench.errors import UsageError, unknown
from pi0bench.policy_role import Role
from pi0bench.records.condition import Condition, Episode, episode, measured
from pi0bench.report.comparison_input import Entry
from pi0bench.report.competing_policies import competing, headings
from pi0bench.report.resolvable_difference import Resolution
from pi0bench.report.shared_episodes import shared_by
from pi0bench.report.statistical_methods import Analysis, analysis
from pi0bench.stats.multiple_comparisons import Several, several
from pi0bench.stats.paired_tests import Paired, paired
from pi0bench.stats.power import correlation
from pi0bench.stats.success_intervals import Interval
from pi0bench.stats.task_bootstrap import hierarchical, stratified


@dataclass(frozen=True)
class Standing:
    """One condition beside the best.

    Attributes:
        name: policy, its timing, steps and solver, and what else tells it apart.
        role: of the policy.
        successes: of the shared episodes.
        n: shared episodes.
        faults: of the shared episodes, failures that were the policy's fault.
        interval: of their rate.
        against: the best's rate less this one's; None for the best itself.
        p: of the test against the best, Holm-adjusted for all pairs; None for the best and for what
            takes no part in these tests.
        rho: correlation with the best's outcomes; None for the best, or where one is constant.
        these: bootstrap interval of the mean difference, for these tasks.
        others: the same for other tasks of the kind; None for a single task. Both are None too
            where a run looked at its results on the way.
    """

    name: str
    role: Role
    successes: int
    n: int
    faults: int
    interval: Interval
    against: Paired | None = None
    p: float | None = None
    rho: float | None = None
    these: Interval | None = None
    others: Interval | None = None


@dataclass(frozen=True)
class Comparison:
    """What the shared episodes say.

    Attributes:
        n: shared episodes.
        tasks: that they are of.
        standings: those that compete first, the highest rate first.
        tests: of all pairs that compete; of all where nobody does.
        analysis: the statistics; sequential as soon as one of the runs was.
        resolution: which differences they can show; None for sequential ones.
        notes: what else must be said, in sentences.
    """

    n: int
    tasks: tuple[str, ...]
    standings: tuple[Standing, ...]
    tests: Several
    analysis: Analysis
    resolution: Resolution | None
    notes: tuple[str, ...] = ()

    @property
    def faulty(self) -> bool:
        """True when some condition had a policy's fault."""
        return any(standing.faults for standing in self.standings)

    @property
    def best(self) -> frozenset[str]:
        """Those that cannot be told from the best; nobody where there is nothing to tell apart."""
        return self.tests.best if self.tests.pairs else frozenset()

    @property
    def above(self) -> list[str]:
        """For each standing the name of the group that begins there, or ""."""
        return headings([("", standing.role) for standing in self.standings])


def select(
    runs: Mapping[str, Entry],
    policies: Sequence[str] = (),
    steps: Sequence[int] = (),
    tasks: Sequence[str] = (),
) -> dict[str, Entry]:
    """The runs with the records of some policies, step counts and tasks; none given means all.

    Raises:
        UsageError: a policy, a step count or a task was not measured in any run.
    """
    cells = [record.cell for run in runs.values() for record in run.records]
    for kind, names in (("policy", policies), ("task", tasks)):
        known = {getattr(cell, kind) for cell in cells}
        for name in names:
            if name not in known:
                raise UsageError(f"compare: {unknown(kind, name, known)}")
    for count in steps:
        if count not in (taken := {cell.steps for cell in cells} - {0}):
            known = ", ".join(map(str, sorted(taken))) or "none"
            raise UsageError(f"compare: no episode with {count} steps; known: {known}")
    return {
        name: replace(
            run,
            records=[
                record
                for record in run.records
                if (not policies or record.cell.policy in policies)
                and (not steps or record.cell.steps in (0, *steps))
                and (not tasks or record.cell.task in tasks)
            ],
        )
        for name, run in runs.items()
    }


def compare(runs: Mapping[str, Entry]) -> Comparison:
    """Compare every condition of the runs, by name.

    Raises:
        UsageError: there are not two conditions, they share no episode, or a task comes in two
            versions.
    """
    named = _named(runs)
    if len(named) < 2:
        raise UsageError(f"compare: {len(named)} condition; it takes two or more to compare")
    shared = shared_by(one.outcomes for one in named.values())
    if not shared:
        raise UsageError(f"compare: {', '.join(named)} share no episode; measure the same tasks")
    outcomes = {name: [one.outcomes[e] for e in shared] for name, one in named.items()}
    order = sorted(outcomes, key=lambda name: (-sum(outcomes[name]), name))
    chosen = competing(order, lambda name: named[name].role)
    beside = sorted(
        set(order) - set(chosen), key=lambda name: (named[name].role.place, order.index(name))
    )
    kind = analysis(any(run.sequential for run in runs.values()))
    tests = several({name: outcomes[name] for name in chosen}, methods=kind.pairs)
    # The best leads these tests, so that the first pair with a name is the one with the best.
    ps = {pair.second: pair.p for pair in reversed(tests.pairs)}
    standings = []
    for name in (*chosen, *beside):
        won, lost = sum(outcomes[name]), len(named[name].faults.intersection(shared))
        rate = kind.rate(won, len(shared), 0.95)
        alone = Standing(name, named[name].role, won, len(shared), lost, rate, p=ps.get(name))
        pair = outcomes[chosen[0]], outcomes[name]
        standings.append(_beside(alone, *pair, shared, kind) if standings else alone)
    tasks = tuple(sorted({task for task, _, _ in shared}))
    resolution = Resolution.of([outcomes[name] for name in chosen]) if kind.fixed else None
    notes = tuple(run.note for run in runs.values() if run.note)
    return Comparison(len(shared), tasks, tuple(standings), tests, kind, resolution, notes)


def _beside(
    alone: Standing,
    best: Sequence[bool],
    own: Sequence[bool],
    shared: Sequence[Episode],
    kind: Analysis,
) -> Standing:
    by_task: dict[str, list[float]] = {}
    for (task, _, _), one, other in zip(shared, best, own, strict=True):
        by_task.setdefault(task, []).append(float(one) - float(other))
    differences = list(by_task.values())
    return replace(
        alone,
        against=paired(best, own, methods=kind.pairs),
        rho=correlation(best, own),
        these=stratified(differences, seed=0) if kind.fixed else None,
        others=hierarchical(differences, seed=0) if kind.fixed and len(by_task) > 1 else None,
    )


@dataclass(frozen=True)
class _Measured:
    outcomes: Mapping[Episode, bool]
    faults: frozenset[Episode]
    role: Role


def _named(runs: Mapping[str, Entry]) -> dict[str, _Measured]:
    """What is known of each condition, whose name says only what tells it from the others."""
    refuse_two_versions(runs)
    found = {
        (name, condition): group
        for name, run in runs.items()
        for condition, group in measured(run.records).items()
    }
    worlds = {condition.world for _, condition in found}
    twice = Counter(condition for _, condition in found)
    return {
        _name(name if twice[condition] > 1 else "", condition, len(worlds) > 1): _Measured(
            {episode(r.cell): r.status == "success" for r in group},
            frozenset(episode(r.cell) for r in group if r.status == "policy_fault"),
            runs[name].roles.get(condition.policy, Role.COMPETES),
        )
        for (name, condition), group in found.items()
    }


def refuse_two_versions(runs: Mapping[str, Entry]) -> None:
    """See that no task was measured in two versions.

    Raises:
        UsageError: one was.
    """
    versions: dict[str, str] = {}
    for record in (r for run in runs.values() for r in run.records if r.final):
        cell = record.cell
        version = cell.task_hash  # outcomes of other tools come without one
        if version and versions.setdefault(cell.task, version) != version:
            raise UsageError(f"compare: {cell.task} comes in two versions; measure one again")


def _name(run: str, condition: Condition, world: bool) -> str:
    where = (" / ".join(filter(None, condition.world)),) if world else ()
    return " · ".join(filter(None, (run, condition.called, *condition.sampler, *where)))
