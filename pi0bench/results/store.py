"""A run's folder: the plan, one line an episode, and nothing that a crash can spoil."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pi0bench.errors import StorageError, UsageError
from pi0bench.results import manifest as manifests
from pi0bench.results.commit import GroupCommit
from pi0bench.results.files import (
    hold_lock,
    prove_writable,
    read_lines,
    write_atomic,
)
from pi0bench.results.record import Cell, Record, Timing, contrast

EPISODES = "episodes.jsonl"
TIMINGS = "timings.jsonl"
COMPRESSED = ".gz"
T = TypeVar("T", Record, Timing)


class RunFolder:
    """The records of one run.

    `RunFolder(path)` reads; `RunFolder.open(...)` also writes, alone, until `close`.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._lock: int | None = None
        self._lines = GroupCommit()

    @classmethod
    def open(
        cls, root: Path | str, manifest: Mapping[str, Any], cells: Sequence[Cell]
    ) -> RunFolder:
        """Start or resume the run of `cells` in the folder `root`.

        Raises:
            StorageError: the folder cannot be written.
            UsageError: another process is writing there, or the folder holds another plan.
        """
        return cls.settle(root, {**manifest, **manifests.planned(cells)})

    @classmethod
    def settle(cls, root: Path | str, manifest: Mapping[str, Any]) -> RunFolder:
        """Start or resume the run whose manifest, its plan's hash included, is known already.

        Raises:
            StorageError: the folder cannot be written.
            UsageError: another process is writing there, or the folder holds another plan.
        """
        folder = cls(root)
        prove_writable(folder.root)
        folder._lock = hold_lock(folder.path("lock"))
        try:
            if folder.path(EPISODES).exists() and not folder.path(manifests.NAME).exists():
                raise UsageError(f"{folder.root}: holds episodes, no manifest; use another --out")
            manifests.settle(folder.root, manifest)
        except BaseException:
            folder.close()
            raise
        return folder

    def close(self) -> None:
        """Let go of the folder, so that another process may write; reading stays possible.

        Raises:
            StorageError: what was appended last cannot be seen onto the disk.
        """
        if self._lock is not None:
            try:
                self._lines.flush()
            finally:
                os.close(self._lock)
                self._lock = None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def path(self, name: str) -> Path:
        """Return the path of the file `name` in this folder."""
        return self.root / name

    def manifest(self) -> dict[str, Any]:
        """Return what `open` wrote, with the plan's hash under "plan"."""
        found = manifests.read(self.root)
        if found is None:
            raise UsageError(f"{self.root}: no {manifests.NAME}; this is no run's folder")
        return found

    def append(self, record: Record, timing: Timing | None = None) -> None:
        """Add one episode; it outlives this process at once, and the machine within `EVERY_S`.

        Raises:
            StorageError: there is no room, or the disk failed to take what came before.
        """
        self._must_be_open()
        self._lines.append(self.path(EPISODES), record.to_line())
        if timing is not None:
            self._lines.append(self.path(TIMINGS), timing.to_line())

    def records(self) -> list[Record]:
        """Return one record for each key; a final one supersedes, else the later one does."""
        kept: dict[str, tuple[int, Record]] = {}
        for number, record in self._read(EPISODES, Record.from_line):
            key = record.cell.key()
            earlier_number, earlier = kept.get(key, (number, record))
            if not earlier.final or earlier == record:
                kept[key] = (number, record)
            elif record.final:
                raise StorageError(
                    f"{self.path(EPISODES)}:{number}: determinism violation: cell {key} (task "
                    f"{record.cell.task}, episode {record.cell.episode}) ended otherwise on line "
                    f"{earlier_number}: {contrast(earlier, record)}; run again with another --out"
                )
        return [record for _, record in kept.values()]

    def timings(self) -> list[Timing]:
        """Return one timing for each key, the latest; its attempts are those of all of them."""
        read = dict.fromkeys(timing for _, timing in self._read(TIMINGS, Timing.from_line))
        attempts: Counter[str] = Counter()
        for timing in read:
            attempts[timing.key] += timing.attempts
        latest = {timing.key: timing for timing in read}
        return [replace(timing, attempts=attempts[key]) for key, timing in latest.items()]

    def missing(self, cells: Iterable[Cell]) -> list[Cell]:
        """Return the cells that have no final record yet, in the given order."""
        done = {record.cell.key() for record in self.records() if record.final}
        return [cell for cell in cells if cell.key() not in done]

    def finish(self) -> None:
        """Rewrite both files in the order of the plan: equal runs end in equal episodes."""
        self.rewrite(self.records(), self.timings())

    def rewrite(self, records: Iterable[Record], timings: Iterable[Timing]) -> None:
        """Replace all that both files hold, in the order of the plan."""
        self._must_be_open()
        records = sorted(records, key=lambda record: _order(record.cell))
        ranks = {record.cell.key(): rank for rank, record in enumerate(records)}
        timings = sorted(
            timings, key=lambda timing: (ranks.get(timing.key, len(ranks)), timing.key)
        )
        self.write_text(EPISODES, "".join(f"{record.to_line()}\n" for record in records))
        self.write_text(TIMINGS, "".join(f"{timing.to_line()}\n" for timing in timings))

    def write_text(self, name: str, text: str) -> Path:
        """Write the file `name`, whole or not at all, and return its path."""
        write_atomic(self.path(name), text.encode())
        return self.path(name)

    def _read(self, name: str, parse: Callable[[str], T]) -> Iterator[tuple[int, T]]:
        path = self.path(name)
        if not path.exists() and self.path(name + COMPRESSED).exists():
            path = self.path(name + COMPRESSED)
        for number, line in enumerate(read_lines(path), start=1):
            try:
                yield number, parse(line.decode())
            except ValueError as error:
                raise StorageError(f"{path}:{number}: {error}") from None

    def _must_be_open(self) -> None:
        if self._lock is None:
            raise StorageError(f"{self.root}: opened to read; RunFolder.open opens it to write")


def _order(cell: Cell) -> tuple[object, ...]:
    where = (cell.engine, cell.renderer, cell.variation)
    return (cell.task, cell.policy, cell.steps, *where, cell.episode, cell.key())
