"""What a policy does over its trainings: its rate, how sure that is, and what of it is luck.

A row of the other tables is one training. Where a policy has several (see
`pi0bench.training_names`), this says what the next one may be expected to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pi0bench.policy_role import Role
from pi0bench.records.condition import Condition, Episode
from pi0bench.records.policy_roles import KNOWN, Roles
from pi0bench.records.record import Record
from pi0bench.report.shared_episodes import outcomes_of, shared_by
from pi0bench.stats.success_intervals import Interval
from pi0bench.stats.training_seeds import Table, crossed_mean, difference_interval, rate_interval
from pi0bench.training_names import parted


@dataclass(frozen=True)
class Trained:
    """A policy under one condition, over its trainings.

    Attributes:
        condition: with the policy's name alone.
        role: of the policy.
        rates: of each training.
        n: episodes of each: as many start states of each task.
        rate: their mean.
        interval: 95 % interval of the rate, over trainings and start states.
        of_training: how much of its variance comes from trainings, a share.
        behind: interval of the best policy's rate less this one's, on what they share; None for
            the best, and for what does not compete.
    """

    condition: Condition
    role: Role
    rates: tuple[float, ...]
    n: int
    rate: float
    interval: Interval
    of_training: float
    behind: Interval | None = None


def over_trainings(records: Iterable[Record], roles: Roles = KNOWN) -> list[Trained]:
    """Policies with several trainings by world and then by rate, those that compete first."""
    families: dict[Condition, dict[int, Mapping[Episode, bool]]] = {}
    for condition, outcomes in outcomes_of(records).items():
        policy, number = parted(condition.policy)
        families.setdefault(replace(condition, policy=policy), {})[number] = outcomes
    tables = {
        condition: table
        for condition, trainings in families.items()
        if len(trainings) > 1 and (table := _table(list(trainings.values()))) is not None
    }
    found = [
        _trained(condition, table, roles.get(condition.policy, Role.COMPETES))
        for condition, table in tables.items()
    ]
    found.sort(key=lambda of: (of.condition.world, of.role.place, -of.rate, of.condition))
    return [_beside(of, found, families) for of in found]


def _trained(condition: Condition, table: Table, role: Role) -> Trained:
    mean = crossed_mean(table)
    rates = tuple(map(float, table.mean(axis=(1, 2))))
    n = table[0].size
    return Trained(condition, role, rates, n, mean.mean, rate_interval(table), mean.of_training)


def _beside(
    of: Trained,
    found: Sequence[Trained],
    families: Mapping[Condition, Mapping[int, Mapping[Episode, bool]]],
) -> Trained:
    """The same, held against the best of its world."""
    best = next(other for other in found if other.condition.world == of.condition.world)
    if best is of or of.role is not Role.COMPETES:
        return of
    numbers = sorted(families[best.condition].keys() & families[of.condition].keys())
    pairs = [families[one.condition][number] for one in (best, of) for number in numbers]
    both = _table(pairs)
    if both is None or len(numbers) < 2:
        return of
    half = len(numbers)
    return replace(of, behind=difference_interval(both[:half], both[half:]))


def _table(outcomes: Sequence[Mapping[Episode, bool]]) -> Table | None:
    """What all share, (S, T, E), as many start states of each task; None with fewer than two."""
    starts: dict[str, list[Episode]] = {}
    for episode in shared_by(outcomes):
        starts.setdefault(episode[0], []).append(episode)
    count = min(map(len, starts.values()), default=0)
    if count < 2:
        return None
    return np.array(
        [[[of[e] for e in episodes[:count]] for episodes in starts.values()] for of in outcomes],
        float,
    )
