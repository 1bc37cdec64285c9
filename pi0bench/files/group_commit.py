"""Lines that are the kernel's at once, and the disk's in groups."""

from __future__ import annotations

import threading
from pathlib import Path

from pi0bench.errors import StorageError
from pi0bench.files.durable import append_line, sync

EVERY_S = 0.1
"""What a machine that loses its power may lose."""


class GroupCommit:
    """Appends lines to files, and sees all that came within `EVERY_S` onto the disk at once.

    A killed process loses nothing that was appended, since the kernel has it. Who appends never
    waits for a disk: a timer's thread does.
    """

    def __init__(self) -> None:
        self._lock, self._disk = threading.Lock(), threading.Lock()
        self._written: set[Path] = set()
        self._timer: threading.Timer | None = None
        self._failed: StorageError | None = None

    def append(self, path: Path, line: str) -> None:
        """Append one line; it is on the disk `EVERY_S` later at the latest, if the disk keeps up.

        Raises:
            StorageError: it cannot be written, or what came before cannot be seen onto the disk.
        """
        append_line(path, line, durable=False)
        with self._lock:
            self._raise()
            self._written.add(path)
            if self._timer is None:
                self._timer = threading.Timer(EVERY_S, self._commit)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """See all that was appended onto the disk, now.

        Raises:
            StorageError: that cannot be done.
        """
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        self._commit()
        with self._lock:
            self._raise()

    def _commit(self) -> None:
        with self._disk:  # so that `flush` waits for what a timer has begun
            with self._lock:
                written, self._written, self._timer = self._written, set(), None
            try:
                for path in written:
                    sync(path)
            except StorageError as error:
                self._failed = error

    def _raise(self) -> None:
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed
