"""The command line that is carried out, as a shell would take it again."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

WORDS: ContextVar[tuple[str, ...]] = ContextVar("WORDS", default=())
"""Its words after the program's name."""


def command() -> str:
    """The command line that is carried out."""
    return shlex.join(["pi0bench", *WORDS.get()])


def options(of: Callable[..., int], words: Sequence[str]) -> dict[str, Any]:
    """What a command would be called with, which is not called; wrong words exit with 2."""
    import tyro

    @functools.wraps(of)
    def called(**given: Any) -> dict[str, Any]:
        return given

    return tyro.cli(called, prog=f"pi0bench {of.__name__}", args=list(words))
