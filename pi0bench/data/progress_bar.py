"""How far long work has come, on a terminal or in a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Show(Protocol):
    """Takes what is done, of how much, and the loss where there is one."""

    def __call__(self, done: int, total: int, note: float | None = None) -> None:
        """Show it."""
        ...


@contextmanager
def bar(console: Console, title: str) -> Iterator[Show]:
    """A progress bar; in a pipe, a plain line now and then."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(
        TextColumn(title), *columns, console=console, disable=not console.is_terminal
    ) as shown:
        task = shown.add_task(title, note="")
        said = 0.0

        def show(done: int, total: int, note: float | None = None) -> None:
            nonlocal said
            text = "" if note is None else f"loss {note:.4f}"
            shown.update(task, completed=done, total=total, note=text)
            if not console.is_terminal and (done / total >= said or done == total):
                console.print(f"{title}: {done} of {total} {text}".rstrip())
                said = done / total + 0.1

        yield show
