"""`--stop-early`: what the episodes so far say against every condition being like the first."""

from __future__ import annotations

from collections.abc import Iterable

from pi0bench.policy_role import Role
from pi0bench.records.condition import Condition
from pi0bench.records.policy_roles import KNOWN, Roles
from pi0bench.records.record import Cell, Record
from pi0bench.report.competing_policies import competing
from pi0bench.stats.confidence_sequences import paired_evidence


def evidence(records: Iterable[Record], first: Cell, roles: Roles = KNOWN) -> dict[str, float]:
    """Logarithms of the e-values against equal success rates, by condition (see `stats`).

    Conditions that do not compete are left out, unless the first is compared with such alone.

    Args:
        records: of whole rounds, so that every condition has the same episodes.
        first: a cell, among them, of the condition with which all others are compared.
        roles: of the policies.
    """
    records = list(records)
    won: dict[Condition, set[tuple[str, int]]] = {}
    for record in records:
        episodes = won.setdefault(Condition.of(record), set())
        if record.status == "success":
            episodes.add((record.cell.task, record.cell.episode))
    reference = won.pop(next(Condition.of(r) for r in records if r.cell == first))
    asked = competing(sorted(won), lambda of: roles.get(of.policy, Role.COMPETES))
    return {
        str(of): paired_evidence(len(reference - won[of]), len(won[of] - reference)) for of in asked
    }
