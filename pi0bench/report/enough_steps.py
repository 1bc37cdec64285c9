"""How few sampler steps are enough, and whether more of them hurt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from pi0bench.policy_role import Role
from pi0bench.records.condition import Condition, Episode, World
from pi0bench.records.policy_roles import KNOWN, Roles
from pi0bench.records.record import Record
from pi0bench.report.shared_episodes import outcomes_of
from pi0bench.stats.paired_tests import FIXED, Methods, Paired, paired

MARGIN = 0.05
"""How much worse than the best is still as good: 5 points of success."""

SIGNIFICANT = 0.05
"""Above this p it is not said that more steps hurt."""

Outcomes = Mapping[int, Mapping[Episode, bool]]


@dataclass(frozen=True)
class Against:
    """What `steps` reach less what `other` steps reach, on the same episodes."""

    steps: int
    other: int
    result: Paired

    @property
    def close(self) -> bool:
        """True when it is shown that these steps are not worse by more than the margin."""
        return self.result.interval.low > -MARGIN

    @property
    def far(self) -> bool:
        """True when it is shown that they are."""
        return self.result.interval.high < -MARGIN

    @property
    def worse(self) -> bool:
        """True when it is shown that they are worse at all, by interval and by exact test."""
        return self.result.interval.high < 0.0 and self.result.p < SIGNIFICANT


@dataclass(frozen=True)
class Verdict:
    """What one policy with one solver, in one world and at one pace, needs.

    Attributes:
        policy: its name.
        solver: its sampler.
        world: engine, renderer and variation.
        n: episodes measured at every step count; all numbers rest on them.
        best: the step count with the highest success rate; of equals, the fewest.
        best_rate: that rate.
        fewer: each smaller step count against the best, rising.
        hurt: more steps that are worse than fewer, against the best of the fewer, rising.
        role: of the policy.
        timing: see `Condition.timing`.
    """

    policy: str
    solver: str
    world: World
    n: int
    best: int
    best_rate: float
    fewer: tuple[Against, ...]
    hurt: tuple[Against, ...]
    role: Role = Role.COMPETES
    timing: str = ""

    @property
    def enough(self) -> int | None:
        """The fewest steps shown not to be worse than the best by more than the margin.

        None, "not resolved", when none but the best itself is shown to be and some fewer steps
        are not shown to be worse either.
        """
        for against in self.fewer:
            if against.close:
                return against.steps
        return self.best if all(against.far for against in self.fewer) else None


def verdicts(
    records: Iterable[Record], roles: Roles = KNOWN, methods: Methods = FIXED
) -> list[Verdict]:
    """Return a verdict for each policy, solver, world and pace with two or more step counts.

    Those of policies that compete come first.

    Episodes are paired by task, number and seed. Nothing is assumed of how success depends on
    steps: each step count is compared with the best as it was measured. Being the best of several
    is partly luck, so the best is overrated and "enough" is said rather too rarely than too
    often. The intervals keep their 95 % one by one, not all together.
    """
    groups: dict[Condition, dict[int, Mapping[Episode, bool]]] = {}
    for of, outcomes in outcomes_of(records).items():
        if of.steps:
            groups.setdefault(replace(of, steps=0), {})[of.steps] = outcomes
    curves = sorted((of for of, by_steps in groups.items() if len(by_steps) > 1), key=_order)
    found = [verdict(of, groups[of], methods) for of in curves]
    found = [replace(v, role=roles.get(v.policy, Role.COMPETES)) for v in found]
    return sorted(found, key=lambda v: v.role.place)


def _order(of: Condition) -> tuple[object, ...]:
    return of.policy, of.solver, of.world, of.pace


def verdict(of: Condition, by_steps: Outcomes, methods: Methods = FIXED) -> Verdict:
    """Return what one curve needs.

    Args:
        of: what its points have in common.
        by_steps: outcomes of episodes by the number of steps, at least one.
        methods: statistics of pairs.
    """
    episodes = sorted(set.intersection(*map(set, by_steps.values())))
    outcomes = {steps: [by_steps[steps][e] for e in episodes] for steps in sorted(by_steps)}
    rates = {steps: fmean(values) if values else 0.0 for steps, values in outcomes.items()}
    best = _best(rates)

    def against(steps: int, other: int) -> Against:
        return Against(steps, other, paired(outcomes[steps], outcomes[other], methods=methods))

    fewer = tuple(against(steps, best) for steps in rates if steps < best)
    more = (against(steps, _best(rates, below=steps)) for steps in list(rates)[1:])
    hurt = tuple(one for one in more if one.worse)
    return Verdict(
        policy=of.policy,
        solver=of.solver,
        world=of.world,
        n=len(episodes),
        best=best,
        best_rate=rates[best],
        fewer=fewer,
        hurt=hurt,
        timing=of.timing,
    )


def _best(rates: Mapping[int, float], below: int | None = None) -> int:
    """The step count with the highest rate, of equals the fewest; of those `below`, if given."""
    return max(
        (steps for steps in rates if below is None or steps < below),
        key=lambda steps: (rates[steps], -steps),
    )
