"""Which of the measured policies compete, and how a table sets the others apart."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

from pi0bench.policy_role import Role

HEADINGS = {Role.CONTROL: "controls", Role.PRIVILEGED: "privileged policies"}

T = TypeVar("T")


def competing(found: Sequence[T], role: Callable[[T], Role]) -> list[T]:
    """Those that compete; all of them where none does, since then the question is about these."""
    return [one for one in found if role(one) is Role.COMPETES] or list(found)


def tagged(name: str, role: Role) -> str:
    """A name that says its role where it does not compete."""
    return name if role is Role.COMPETES else f"{name} ({role})"


def headings(groups: Sequence[tuple[Hashable, Role]]) -> list[str]:
    """What stands above each row of a table: its group's name where that begins, else nothing.

    Args:
        groups: of each row what else it belongs to, such as its world, and its role.
    """
    begins = [len(set(groups)) > 1, *(one != other for one, other in pairwise(groups))]
    return [
        HEADINGS.get(role, "") if first else ""
        for first, (_, role) in zip(begins, groups, strict=False)
    ]


def outside(policies: Iterable[tuple[str, Role]]) -> str:
    """Name the policies that do not compete, group by group; "" where all do."""
    found = set(policies)
    named = [
        f"{heading} ({', '.join(sorted(name for name, of in found if of is role))})"
        for role, heading in HEADINGS.items()
        if any(of is role for _, of in found)
    ]
    return " and ".join(named)
