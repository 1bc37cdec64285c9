"""One writer a folder, whoever else would like to."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

from pi0bench.errors import UsageError
from pi0bench.files.durable import storage

NAME = "lock"

PATIENCE_S = 60.0
"""What takes seconds waits so long for others of its kind, and is refused beside a run."""

_LOOK_S = 0.05


@contextlib.contextmanager
def alone(folder: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Be the only one that writes in `folder`, which exists, until the block ends.

    The lock is a file there, which goes with its holder.

    Raises:
        StorageError: the folder cannot be written, or its file system has no locks.
        UsageError: another process still writes there after `patience_s` seconds.
    """
    descriptor = _taken(folder / NAME, monotonic() + patience_s)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            (folder / NAME).unlink()
        os.close(descriptor)


def _taken(path: Path, until_s: float) -> int:
    while (descriptor := _tried(path, monotonic() >= until_s)) is None:
        sleep(_LOOK_S)
    return descriptor


def _tried(path: Path, last: bool) -> int | None:
    """The descriptor of the locked file, None when it could not be had this time."""
    with storage(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            # flock, not lockf: it also holds between two folders opened by one process, and
            # closing some other descriptor of the file does not lose it.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(descriptor).st_nlink == 0:  # its holder left, and took the file away
                os.close(descriptor)
                return None
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            if not last:
                return None
            raise UsageError(
                f"{path.parent}: process {holder or '?'} is writing here; "
                "wait for it, or use another --out"
            ) from None
        except OSError:
            os.close(descriptor)
            raise
    return descriptor
