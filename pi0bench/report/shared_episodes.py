"""Outcomes of the same episodes under several conditions, and which of these do best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pi0bench.policy_role import Role
from pi0bench.records.condition import Condition, Episode, World, episode, measured
from pi0bench.records.policy_roles import KNOWN, Roles
from pi0bench.records.record import Record
from pi0bench.stats.multiple_comparisons import indistinguishable
from pi0bench.stats.paired_tests import FIXED, Methods


@dataclass(frozen=True)
class Best:
    """The conditions of one world that cannot be told from the best of them.

    Attributes:
        n: episodes that all of them share; 0 when there is nothing to tell apart.
        of: how many conditions were compared: those of policies that compete.
        conditions: the best and all that cannot be told from it; empty when n is 0.
    """

    n: int
    of: int
    conditions: frozenset[Condition]


def outcomes_of(records: Iterable[Record]) -> dict[Condition, dict[Episode, bool]]:
    """Return which measured episodes ended in success, by condition."""
    return {
        condition: {episode(record.cell): record.status == "success" for record in group}
        for condition, group in measured(records).items()
    }


def shared_by(outcomes: Iterable[Mapping[Episode, bool]]) -> list[Episode]:
    """Return the episodes that all outcomes are known of, sorted; none for no outcomes."""
    known = [set(of) for of in outcomes]
    return sorted(set.intersection(*known)) if known else []


def best(
    records: Iterable[Record], roles: Roles = KNOWN, methods: Methods = FIXED
) -> dict[World, Best]:
    """Return for each engine, renderer and variation which conditions are its best."""
    worlds: dict[World, dict[Condition, dict[Episode, bool]]] = {}
    for condition, of in outcomes_of(records).items():
        world = worlds.setdefault(condition.world, {})
        if roles.get(condition.policy, Role.COMPETES) is Role.COMPETES:
            world[condition] = of
    return {world: _best(worlds[world], methods) for world in sorted(worlds)}


def _best(outcomes: Mapping[Condition, Mapping[Episode, bool]], methods: Methods) -> Best:
    shared = shared_by(outcomes.values())
    if len(outcomes) < 2 or not shared:
        return Best(0, len(outcomes), frozenset())
    paired = {condition: [of[e] for e in shared] for condition, of in sorted(outcomes.items())}
    return Best(len(shared), len(outcomes), indistinguishable(paired, methods=methods))
