"""Conditions of one or several runs, compared on the episodes that all of them share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pi0bench.errors import UsageError, unknown
from pi0bench.results.episodes import Episode, outcomes_of, shared_by
from pi0bench.results.record import Record
from pi0bench.results.resolution import Resolution
from pi0bench.results.roles import KNOWN, Roles, competing, headings
from pi0bench.results.rows import Condition
from pi0bench.results.stats.bootstrap import hierarchical, stratified
from pi0bench.results.stats.intervals import Interval, clopper_pearson
from pi0bench.results.stats.paired import Paired, paired
from pi0bench.results.stats.power import correlation
from pi0bench.results.stats.several import Several, several
from pi0bench.roles import Role


@dataclass(frozen=True)
class Standing:
    """One condition beside the best.

    Attributes:
        name: policy, steps and solver, and what else tells it apart.
        role: of the policy.
        successes: of the shared episodes.
        n: shared episodes.
        interval: Clopper-Pearson's for their rate.
        against: the best's rate less this one's; None for the best itself.
        p: exact McNemar against the best, Holm-adjusted for all pairs; None for the best and for
            what takes no part in these tests.
        rho: correlation with the best's outcomes; None for the best, or where one is constant.
        these: bootstrap interval of the mean difference, for these tasks.
        others: the same for other tasks of the kind; None for a single task.
    """

    name: str
    role: Role
    successes: int
    n: int
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
        resolution: which differences they can show.
    """

    n: int
    tasks: tuple[str, ...]
    standings: tuple[Standing, ...]
    tests: Several
    resolution: Resolution

    @property
    def best(self) -> frozenset[str]:
        """Those that cannot be told from the best; nobody where there is nothing to tell apart."""
        return self.tests.best if self.tests.pairs else frozenset()

    @property
    def above(self) -> list[str]:
        """For each standing the name of the group that begins there, or ""."""
        return headings([("", standing.role) for standing in self.standings])


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
    runs: Mapping[str, Sequence[Record]], roles: Mapping[str, Roles] = MappingProxyType({})
) -> Comparison:
    """Compare every condition of the runs, by name.

    Args:
        runs: the records of each.
        roles: of the policies of each; of a run that is not in it, the known names'.

    Raises:
        UsageError: there are not two conditions, they share no episode, or a task comes in two
            versions.
    """
    named, role = _named(runs, roles)
    if len(named) < 2:
        raise UsageError(f"compare: {len(named)} condition; it takes two or more to compare")
    shared = shared_by(named.values())
    if not shared:
        raise UsageError(f"compare: {', '.join(named)} share no episode; measure the same tasks")
    outcomes = {name: [of[e] for e in shared] for name, of in named.items()}
    order = sorted(outcomes, key=lambda name: (-sum(outcomes[name]), name))
    chosen = competing(order, lambda name: role[name])
    beside = sorted(
        set(order) - set(chosen), key=lambda name: (role[name].place, order.index(name))
    )
    tests = several({name: outcomes[name] for name in chosen})
    top = chosen[0]
    # The best leads these tests, so that the first pair with a name is the one with the best.
    ps = {pair.second: pair.p for pair in reversed(tests.pairs)}
    won = sum(outcomes[top])
    standings = [Standing(top, role[top], won, len(shared), clopper_pearson(won, len(shared)))]
    standings += [
        _standing(name, role[name], outcomes[name], outcomes[top], shared, ps.get(name))
        for name in (*chosen[1:], *beside)
    ]
    tasks = tuple(sorted({task for task, _, _ in shared}))
    resolution = Resolution.of([outcomes[name] for name in chosen])
    return Comparison(len(shared), tasks, tuple(standings), tests, resolution)


def _standing(
    name: str,
    role: Role,
    own: Sequence[bool],
    best: Sequence[bool],
    shared: Sequence[Episode],
    p: float | None,
) -> Standing:
    by_task: dict[str, list[float]] = {}
    for (task, _, _), one, other in zip(shared, best, own, strict=True):
        by_task.setdefault(task, []).append(float(one) - float(other))
    differences = list(by_task.values())
    return Standing(
        name,
        role,
        sum(own),
        len(shared),
        clopper_pearson(sum(own), len(shared)),
        paired(best, own),
        p,
        correlation(best, own),
        stratified(differences, seed=0),
        hierarchical(differences, seed=0) if len(differences) > 1 else None,
    )


def _named(
    runs: Mapping[str, Sequence[Record]], roles: Mapping[str, Roles]
) -> tuple[dict[str, dict[Episode, bool]], dict[str, Role]]:
    """Outcomes and roles by condition, whose name says only what tells it from the others."""
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
    worlds = {condition.world for _, condition in found}
    twice = Counter(condition for _, condition in found)
    names = {
        (run, condition): _name(run if twice[condition] > 1 else "", condition, len(worlds) > 1)
        for run, condition in found
    }
    role = {
        name: roles.get(run, KNOWN).get(condition.policy, Role.COMPETES)
        for (run, condition), name in names.items()
    }
    return {names[key]: of for key, of in found.items()}, role


def _name(run: str, condition: Condition, world: bool) -> str:
    sampler = (str(condition.steps), condition.solver) if condition.steps else ()
    where = (" / ".join(filter(None, condition.world)),) if world else ()
    return " · ".join(filter(None, (run, condition.policy, *sampler, *where)))
