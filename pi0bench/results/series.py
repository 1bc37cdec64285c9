"""Which rows make one line of a figure, and how that line looks and is called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pi0bench.results.rows import Condition, Row

# Okabe and Ito's colours, which colour-blind readers tell apart, without the pale yellow.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# One more than the colours: a colour that comes round again has another marker.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Series:
    """One line: a policy's rows that differ in steps and task only."""

    identity: tuple[str, ...]
    label: str
    colour: str
    marker: str
    dashes: str

    def rows_of(self, rows: Sequence[Row]) -> list[Row]:
        """Return this line's rows by rising step count."""
        mine = [r for r in rows if _identity(r.condition) == self.identity]
        return sorted(mine, key=lambda r: r.condition.steps)


def series_of(rows: Sequence[Row]) -> list[Series]:
    """Return the lines of a figure: a colour a policy, dashes where a policy has several lines.

    A label says the policy, and of solver, engine, renderer and variation what differs.
    """
    identities = sorted({_identity(r.condition) for r in rows})
    policies = sorted({identity[0] for identity in identities})
    varying = [i for i in range(1, 5) if _varies(identities, i)]
    lines: list[Series] = []
    for identity in identities:
        place = policies.index(identity[0])
        siblings = [other for other in identities if other[0] == identity[0]]
        lines.append(
            Series(
                identity=identity,
                label=" ".join([identity[0], *(identity[i] for i in varying)]),
                colour=COLOURS[place % len(COLOURS)],
                marker=MARKERS[(place + siblings.index(identity) // len(DASHES)) % len(MARKERS)],
                dashes=DASHES[siblings.index(identity) % len(DASHES)],
            )
        )
    return lines


def _identity(condition: Condition) -> tuple[str, ...]:
    return (condition.policy, condition.solver, *condition.world)


def _varies(identities: Sequence[tuple[str, ...]], part: int) -> bool:
    """True when some policy has more than one value of this part."""
    pairs = {(identity[0], identity[part]) for identity in identities}
    return len(pairs) > len({identity[0] for identity in identities})
