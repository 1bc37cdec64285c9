"""Which conditions make one line of a figure, and how that line looks and is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pi0bench.policy_role import Role
from pi0bench.records.condition import Condition
from pi0bench.records.policy_roles import KNOWN, Roles
from pi0bench.report.competing_policies import tagged

# Okabe and Ito's colours, which colour-blind readers tell apart, without the pale yellow; then
# others that are as far from these and from each other as can be had.
COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"),
    *("#882255", "#8C8C1A", "#6A4FB3", "#7A4A21", "#808080", "#44AA99", "#E15A97"),
    *("#2F4B26", "#B22222"),
)
# One fewer than would divide the colours: a colour that comes round again has another marker.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Series:
    """One line: a policy's conditions that differ in steps only."""

    identity: tuple[str, ...]
    label: str
    colour: str
    marker: str
    dashes: str

    def holds(self, condition: Condition) -> bool:
        """True when `condition` is a point of this line."""
        return _identity(condition) == self.identity


def series_of(conditions: Iterable[Condition], roles: Roles = KNOWN) -> list[Series]:
    """Return the lines of a figure: a colour a policy, dashes where a policy has several lines.

    With one policy, each line has its own colour. A label says the policy, and of solver, engine,
    renderer, variation and timing those in which the policy's lines differ, and the role of one
    that does not compete.
    """
    identities = sorted({_identity(condition) for condition in conditions})
    policies = sorted({identity[0] for identity in identities})
    lines: list[Series] = []
    for place, identity in enumerate(identities):
        siblings = [other for other in identities if other[0] == identity[0]]
        policy, sibling = policies.index(identity[0]), siblings.index(identity)
        if len(policies) == 1:
            policy, sibling = place, 0
        lines.append(
            Series(
                identity=identity,
                label=_label(identity, siblings, roles.get(identity[0], Role.COMPETES)),
                colour=COLOURS[policy % len(COLOURS)],
                marker=MARKERS[(policy + sibling // len(DASHES)) % len(MARKERS)],
                dashes=DASHES[sibling % len(DASHES)],
            )
        )
    return lines


def _identity(condition: Condition) -> tuple[str, ...]:
    return (condition.policy, condition.solver, *condition.world, condition.timing)


def _label(identity: Sequence[str], siblings: Sequence[Sequence[str]], role: Role) -> str:
    differing = (i for i in range(1, 6) if len({other[i] for other in siblings}) > 1)
    words = [tagged(identity[0], role), *(identity[i] for i in differing)]
    return " ".join(filter(None, words))
