"""What a table cannot tell: how outcomes of the same episodes correlate, and what n resolves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from pi0bench.policy_role import Role
from pi0bench.records.policy_roles import KNOWN, Roles
from pi0bench.records.record import Record
from pi0bench.report.competing_policies import competing
from pi0bench.report.shared_episodes import outcomes_of, shared_by
from pi0bench.stats.power import correlation, resolvable

POWER = 0.8


@dataclass(frozen=True)
class Resolution:
    """What so many shared episodes can show of two conditions.

    Attributes:
        n: shared episodes.
        conditions: how many share them.
        rate: the mean of their success rates.
        rho: mean correlation of same-seed outcomes over the pairs where it is defined.
        least: smallest difference that exact McNemar finds with 80 % power at this n, this
            correlation (0 where there is none) and this rate; None when none is.
    """

    n: int
    conditions: int
    rate: float
    rho: float | None
    least: float | None

    @classmethod
    def of(cls, outcomes: Sequence[Sequence[bool]]) -> Resolution:
        """From the success of the same episodes under every condition."""
        pairs = [correlation(one, other) for one, other in combinations(outcomes, 2)]
        known = [rho for rho in pairs if rho is not None]
        rho, n = fmean(known) if known else None, len(outcomes[0]) if outcomes else 0
        rate = fmean(map(fmean, outcomes)) if n else 0.0
        least = resolvable(rate, rho or 0.0, n, POWER)
        return cls(n, len(outcomes), rate, rho, least)

    @classmethod
    def of_records(cls, records: Iterable[Record], roles: Roles = KNOWN) -> Resolution:
        """From the episodes that all conditions of a run share which compete."""
        found = [(roles.get(c.policy, Role.COMPETES), of) for c, of in outcomes_of(records).items()]
        known = [of for _, of in competing(found, lambda pair: pair[0])]
        shared = shared_by(known)
        return cls.of([[of[episode] for episode in shared] for of in known])

    def sentence(self) -> str:
        """Say it, for the foot of a table."""
        if not self.n:
            return "The conditions share no episode, so that nothing here compares them."
        if self.conditions == 1:
            pair = "this policy and a second one with unrelated outcomes"
        elif self.rho is None:
            pair = "two policies (rho cannot be measured here and is taken to be 0)"
        else:
            pair = f"two policies whose outcomes correlate as these do, rho = {self.rho:.2f} (mean)"
        told = f"around {100 * self.rate:.0f} % (exact McNemar, {100 * POWER:.0f} % power)"
        if self.least is None:
            return f"n = {self.n} shared episodes cannot tell apart {pair}, {told}."
        least = f"{100 * self.least:.1f} points"
        return (
            f"n = {self.n} shared episodes tell apart {pair}, from a difference of {least}, {told}."
        )
