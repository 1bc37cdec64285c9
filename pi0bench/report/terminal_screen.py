"""Where programs print: a screen that shows what would control it."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from pi0bench.report.number_format import shown

_PIPE_COLUMNS = 100


def console(stderr: bool = False, quiet: bool = False) -> Screen:
    """Standard output; in a file, a pipe or a notebook, as wide as the tables need.

    Args:
        stderr: Standard error in its place.
        quiet: Nothing is shown at all.
    """
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_COLUMNS
    return Screen(width=width, stderr=stderr, quiet=quiet)


class Screen(Console):
    """A console for plain strings, whoever wrote them: no markup, and no control characters."""

    def __init__(self, width: int | None = None, stderr: bool = False, quiet: bool = False) -> None:
        super().__init__(
            width=width, stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False
        )

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as a console does, with "?" for what is no printable character."""
        for segment in super().render(renderable, options):
            safe = segment.control or segment.text.isprintable()
            yield segment if safe else Segment(shown(segment.text), segment.style)
