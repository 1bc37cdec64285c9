"""The errors that a user can cause, each with the exit code of the command line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST, _FEW = 30, 5  # names that are listed; of more, the nearest


class Pi0benchError(Exception):
    """Something the user can mend; the message says where, what, and what would work."""

    exit_code = 1


class UsageError(Pi0benchError):
    """A wrong name, value or file."""

    exit_code = 2


class IncompleteError(Pi0benchError):
    """A run that stopped before its end; what is finished is kept."""

    exit_code = 3


class StorageError(Pi0benchError):
    """A folder that cannot be written, or a disk that is full."""

    exit_code = 4


class RegressionError(Pi0benchError):
    """Something is shown to be worse than it may be."""

    exit_code = 5


class MachineError(Pi0benchError):
    """Something this machine lacks, such as OpenGL."""

    exit_code = 6


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is no `kind`, and suggest the nearest known name, or those there are."""
    choices = sorted(known)
    if near := difflib.get_close_matches(name, choices, n=1):
        hint = f'did you mean "{near[0]}"?'
    elif len(choices) > _MOST:
        nearest = difflib.get_close_matches(name, choices, n=_FEW, cutoff=0)
        hint = f"nearest of {len(choices)}: {', '.join(nearest)}"
    else:
        hint = "known: " + (", ".join(choices) or "none")
    return f'no {kind} "{name}"; {hint}'
