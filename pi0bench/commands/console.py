"""Where commands print."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pi0bench.commands.terminal_escapes import Screen

_PIPE_COLUMNS = 100


def console() -> Screen:
    """Standard output; in a file, a pipe or a notebook, as wide as the tables need."""
    from pi0bench.commands.terminal_escapes import Screen

    return Screen(width=None if sys.stdout.isatty() else _PIPE_COLUMNS)
