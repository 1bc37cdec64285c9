"""Conditions of one or several runs, compared on the episodes that all of them share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pi0bench.errors import UsageError, unknown
from pi0bench.results.analysis import FIXED, Analysis
from pi0bench.results.episodes import Episode, faults_of, outcomes_of, shared_by
from pi0bench.results.record import Record
from pi0bench.results.resolution import Resolution
from pi0bench.results.rows import Condition
from pi0bench.results.stats.bootstrap import hierarchical, stratified
from pi0bench.results.stats.intervals import Interval
from pi0bench.results.stats.paired import Paired
from pi0bench.results.stats.power import correlation
from pi0bench.results.stats.several import Several, several


@dataclass(frozen=True)
class Standing:
    """One condition beside the best.

    Attributes:
        name: policy, steps and solver, and what else tells it apart.
        successes: of the shared episodes.
        n: shared episodes.
        faults: of the shared episodes, failures that were the policy's fault.
        interval: of their rate.
        against: the best's rate less this one's; None for the best itself.
        p: of the test against the best, Holm-adjusted for all pairs.
        rho: correlation with the best's outcomes; None for the best, or where one is constant.
        these: bootstrap interval of the mean difference, for these tasks.
        others: the same for other tasks of the kind; None for a single task. Both are None too
            where a run looked at its results on the way.
    """

    name: str
    successes: int
    n: int
    faults: int
    interval: Interval
    against: Paired | None = None
    p: float = 1.0
    rho: float | None = None
    these: Interval | None = None
    others: Interval | None = None


@dataclass(frozen=True)
class Comparison:
    """What the shared episodes say.

    Attributes:
        n: shared episodes.
        tasks: that they are of.
        standings: the highest rate first.
        tests: of all pairs.
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


def select(
    runs: Mapping[str, Sequence[Record]], policies: Sequence[str], steps: Sequence[int]
) -> dict[str, list[Record]]:
    """The records of some policies and step counts; nothing given means all of them.

    Raises:
        UsageError: a policy or a step count was not measured in any run.
    """
    cells = [record.cell for records in runs.values() for record in records]
    for policy in policies:
        if policy not in (measured := {cell.policy for cell in cells}):
            raise UsageError(f"compare: {unknown('policy', policy, measured)}")
    for count in steps:
        if count not in (taken := {cell.steps for cell in cells} - {0}):
            known = ", ".join(map(str, sorted(taken))) or "none"
            raise UsageError(f"compare: no episode with {count} steps; known: {known}")
    return {
        run: [
            record
            for record in records
            if (not policies or record.cell.policy in policies)
            and (not steps or record.cell.steps in (0, *steps))
        ]
        for run, records in runs.items()
    }


def compare(
    runs: Mapping[str, Sequence[Record]], kind: Analysis = FIXED, notes: Sequence[str] = ()
) -> Comparison:
    """Compare every condition of the runs, by name.

    Args:
        runs: records by the run's name.
        kind: the statistics.
        notes: sentences to be said with it.

    Raises:
        UsageError: there are not two conditions, they share no episode, or a task comes in two
            versions.
    """
    named, faults = _named(runs)
    if len(named) < 2:
        raise UsageError(f"compare: {len(named)} condition; it takes two or more to compare")
    shared = shared_by(named.values())
    if not shared:
        raise UsageError(f"compare: {', '.join(named)} share no episode; measure the same tasks")
    outcomes = {name: [of[e] for e in shared] for name, of in named.items()}
    order = sorted(outcomes, key=lambda name: (-sum(outcomes[name]), name))
    tests = several({name: outcomes[name] for name in order}, methods=kind.pairs)
    n = len(shared)
    won = {name: sum(of) for name, of in outcomes.items()}
    lost = {name: len(of.intersection(shared)) for name, of in faults.items()}
    best, *others = (
        Standing(name, won[name], n, lost[name], kind.rate(won[name], n, 0.95)) for name in order
    )
    standings = [best]
    for one in others:
        pair = outcomes[one.name], outcomes[best.name]
        standings.append(_beside(one, *pair, shared, tests, kind))
    tasks = tuple(sorted({task for task, _, _ in shared}))
    resolution = Resolution.of(list(outcomes.values())) if kind.fixed else None
    said = tuple(filter(None, notes))
    return Comparison(n, tasks, tuple(standings), tests, kind, resolution, said)


def _beside(
    alone: Standing,
    own: Sequence[bool],
    best: Sequence[bool],
    shared: Sequence[Episode],
    tests: Several,
    kind: Analysis,
) -> Standing:
    # The best leads the order, so that the first pair with a name is the one with the best.
    pair = next(pair for pair in tests.pairs if pair.second == alone.name)
    by_task: dict[str, list[float]] = {}
    for (task, _, _), one, other in zip(shared, best, own, strict=True):
        by_task.setdefault(task, []).append(float(one) - float(other))
    differences = list(by_task.values())
    several_tasks = len(differences) > 1
    return replace(
        alone,
        against=pair.result,
        p=pair.p,
        rho=correlation(best, own),
        these=stratified(differences, seed=0) if kind.fixed else None,
        others=hierarchical(differences, seed=0) if kind.fixed and several_tasks else None,
    )


def _named(
    runs: Mapping[str, Sequence[Record]],
) -> tuple[dict[str, dict[Episode, bool]], dict[str, set[Episode]]]:
    """Outcomes and faults by condition, whose name says only what tells it from the others."""
    versions: dict[str, str] = {}
    for record in (record for records in runs.values() for record in records if record.final):
        cell = record.cell
        version = cell.task_hash  # outcomes of other tools come without one
        if version and versions.setdefault(cell.task, version) != version:
            raise UsageError(f"compare: {cell.task} comes in two versions; measure one again")
    found = {
        (run, condition): of
        for run, records in runs.items()
        for condition, of in outcomes_of(records).items()
    }
    faults = {run: faults_of(records) for run, records in runs.items()}
    worlds = {condition.world for _, condition in found}
    twice = Counter(condition for _, condition in found)
    names = {
        (run, condition): _name(run if twice[condition] > 1 else "", condition, len(worlds) > 1)
        for run, condition in found
    }
    return (
        {names[key]: of for key, of in found.items()},
        {names[run, condition]: faults[run].get(condition, set()) for run, condition in found},
    )


def _name(run: str, condition: Condition, world: bool) -> str:
    sampler = (str(condition.steps), condition.solver) if condition.steps else ()
    where = (" / ".join(filter(None, condition.world)),) if world else ()
    return " · ".join(filter(None, (run, condition.policy, *sampler, *where)))
