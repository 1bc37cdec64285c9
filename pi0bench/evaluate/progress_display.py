"""What a run says while it runs: live on a terminal or in a notebook, else a line now and then."""

from __future__ import annotations

from collections import Counter
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

_PLAIN_EVERY_S = 10.0


class Display:
    """Counts episodes. Use it as a context manager, around the work that it shows."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total = console, total
        self._statuses: Counter[str] = Counter()
        self._start_s = self._said_s = monotonic()
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        live = console.is_terminal or console.is_jupyter
        self._live = Progress(*columns, console=console) if live else None
        self._bar = self._live.add_task("", total=total) if self._live else None

    def __enter__(self) -> Display:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def add(self, status: str) -> None:
        """Count an episode that has ended so."""
        self._statuses[status] += 1
        done, now_s = self._statuses.total(), monotonic()
        if self._live and self._bar is not None:
            self._live.update(self._bar, completed=done, description=self._words(done, now_s))
        elif now_s - self._said_s >= _PLAIN_EVERY_S or done == self._total:
            self._said_s = now_s
            line = f"{done}/{self._total} {self._words(done, now_s)}"
            self._console.print(Text(line), soft_wrap=True)

    def _words(self, done: int, now_s: float) -> str:
        left_s = round((now_s - self._start_s) * (self._total - done) / done)
        parts = [f"{self._statuses['success']} successes so far"]
        odd = sorted(self._statuses.items() - {("success", self._statuses["success"])})
        parts += [f"{count} {status}" for status, count in odd if status != "failure"]
        ending = f"{left_s // 60}:{left_s % 60:02} left" if done < self._total else "done"
        return " · ".join([*parts, ending])
