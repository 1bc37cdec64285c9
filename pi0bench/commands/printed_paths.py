"""What several commands print."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def say_paths(paths: Iterable[Path], screen: Console) -> None:
    """A line a file that was written."""
    for path in paths:
        screen.print(str(path), markup=False, highlight=False, soft_wrap=True)
