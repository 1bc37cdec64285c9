"""What a policy is to the comparison of policies: it competes, or it stands beside."""

from __future__ import annotations

from enum import StrEnum

from pi0bench.errors import UsageError


class Role(StrEnum):
    """One of three, in the order in which tables show them.

    Attributes:
        COMPETES: it may be called the best.
        CONTROL: others are read against it (random actions, blank pictures, zeros for noise).
        PRIVILEGED: it acts on the simulator's state, which no robot knows.
    """

    COMPETES = "competes"
    CONTROL = "control"
    PRIVILEGED = "privileged"

    @property
    def place(self) -> int:
        """Of its group in a table, from 0."""
        return list(Role).index(self)


def role(said: object, where: str) -> Role:
    """The role that is meant by `said`.

    Raises:
        UsageError: it is none; `where` is the place that says it.
    """
    try:
        return Role(said)
    except ValueError:
        raise UsageError(f"{where}: no role {said!r}; known: {', '.join(Role)}") from None
