"""A run's folder: the plan, one line an episode, and nothing that a crash can spoil."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pi0bench.errors import StorageError, UsageError
from pi0bench.files import folder_lock
from pi0bench.files.durable import prove_writable, read_lines, write_atomic
from pi0bench.files.group_commit import GroupCommit
from pi0bench.records import manifest as manifests
from pi0bench.records.record import Cell, Record, Timing, contrast

EPISODES = "episodes.jsonl"
TIMINGS = "timings.jsonl"
COMPRESSED = ".gz"
T = TypeVar("T", Record, Timing)
_Line = tuple[int, T]
"""What a line holds, and its number."""


class RunFolder:
    """The records of one run.

    `RunFolder(path)` reads; `RunFolder.open(...)` also writes, alone, until `close`. Either file is
    parsed once: what is appended is remembered, and nobody else may write. Records that are packed,
    as published ones are, stay so.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._alone: ExitStack | None = None
        self._packed = False
        self._lines = GroupCommit()
        self._records: list[_Line[Record]] | None = None
        self._timings: list[_Line[Timing]] | None = None

    @classmethod
    def open(
        cls,
        root: Path | str,
        manifest: Mapping[str, Any],
        cells: Sequence[Cell],
        grows: Callable[[Mapping[str, Any]], bool] = lambda _: False,
    ) -> RunFolder:
        """Start, resume or enlarge the run of `cells` in the folder `root`.

        Args:
            root: the folder.
            manifest: what it must say about the run.
            cells: all of the plan's.
            grows: whether they hold all cells of the plan of another manifest, which is there.

        Raises:
            StorageError: the folder cannot be written.
            UsageError: another process is writing there, or what the folder holds does not go
                together with this run.
        """
        folder = cls.alone(root)
        try:
            if not folder.holds(EPISODES):
                folder.path(manifests.NAME).unlink(missing_ok=True)  # nothing rests on it
            elif not folder.path(manifests.NAME).exists():
                raise UsageError(f"{folder.root}: holds episodes, no manifest; use another --out")
            manifests.settle(folder.root, {**manifest, **manifests.planned(cells)}, grows)
        except BaseException:
            folder.close()
            raise
        return folder

    @classmethod
    def alone(cls, root: Path | str, patience_s: float = 0.0) -> RunFolder:
        """Open the folder `root` to write, whatever it holds.

        Raises:
            StorageError: the folder cannot be written.
            UsageError: another process still writes there after `patience_s` seconds.
        """
        folder = cls(root)
        prove_writable(folder.root)
        with ExitStack() as opened:
            opened.enter_context(folder_lock.alone(folder.root, patience_s))
            folder._alone = opened.pop_all()
        return folder

    def close(self) -> None:
        """Let go of the folder, so that another process may write; reading stays possible.

        Raises:
            StorageError: what was appended last cannot be seen onto the disk.
        """
        if self._alone is not None:
            try:
                self._lines.flush()
            finally:
                self._alone.close()
                self._alone = None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def holds(self, name: str) -> bool:
        """True when the lines called `name` are there, packed or not."""
        return any(self.path(form).exists() for form in (name, name + COMPRESSED))

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
        self._lines.append(self._unpacked(EPISODES), record.to_line())
        if self._records is not None:
            self._records.append((len(self._records) + 1, record))
        if timing is not None:
            self._lines.append(self._unpacked(TIMINGS), timing.to_line())
            if self._timings is not None:
                self._timings.append((len(self._timings) + 1, timing))

    def records(self) -> list[Record]:
        """Return one record for each key; a final one supersedes, else the later one does."""
        kept: dict[str, tuple[int, Record]] = {}
        for number, record in self._read_records():
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
        read = dict.fromkeys(timing for _, timing in self._read_timings())
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
        self._lines.flush()  # what a timer would still see onto the disk may be packed now
        records = sorted(records, key=lambda record: _order(record.cell))
        ranks = {record.cell.key(): rank for rank, record in enumerate(records)}
        timings = sorted(
            timings, key=lambda timing: (ranks.get(timing.key, len(ranks)), timing.key)
        )
        self._packed |= self.path(EPISODES + COMPRESSED).exists()
        write_lines(self.root, EPISODES, records, self._packed)
        write_lines(self.root, TIMINGS, timings, self._packed)
        self._records, self._timings = [*enumerate(records, 1)], [*enumerate(timings, 1)]

    def _read_records(self) -> list[_Line[Record]]:
        if self._records is None:
            self._records = [*self._read(EPISODES, Record.from_line)]
        return self._records

    def _read_timings(self) -> list[_Line[Timing]]:
        if self._timings is None:
            self._timings = [*self._read(TIMINGS, Timing.from_line)]
        return self._timings

    def _read(self, name: str, parse: Callable[[str], T]) -> Iterator[_Line[T]]:
        for path in (self.path(name + COMPRESSED), self.path(name)):
            for number, line in enumerate(read_lines(path), start=1):
                try:
                    yield number, parse(line.decode())
                except ValueError as error:
                    raise StorageError(f"{path}:{number}: {error}") from None

    def _unpacked(self, name: str) -> Path:
        """The file `name`, to which lines can be added."""
        path, packed = self.path(name), self.path(name + COMPRESSED)
        if packed.exists():
            self._packed = True
            lines = dict.fromkeys([*read_lines(packed), *read_lines(path)])
            write_atomic(path, b"".join(line + b"\n" for line in lines))
            packed.unlink()
        return path

    def _must_be_open(self) -> None:
        if self._alone is None:
            raise StorageError(f"{self.root}: opened to read; RunFolder.open opens it to write")


def write_lines(
    folder: Path, name: str, rows: Iterable[Record] | Iterable[Timing], packed: bool
) -> None:
    """Replace the lines called `name`, in whichever form they are there."""
    data = "".join(f"{row.to_line()}\n" for row in rows).encode()
    forms = [folder / name, folder / (name + COMPRESSED)]
    write_atomic(forms[packed], gzip.compress(data, mtime=0) if packed else data)
    forms[not packed].unlink(missing_ok=True)


def _order(cell: Cell) -> tuple[object, ...]:
    where = (cell.engine, cell.renderer, cell.variation)
    return (cell.task, cell.policy, cell.steps, *where, cell.episode, cell.key())
