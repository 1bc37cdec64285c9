"""Files that appear whole or not at all, whoever else writes the same one at the same time."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

_SUFFIX = "partial"


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a new file of a name of its own beside `path` to be filled; then put it in its place.

    When the block ends, what it wrote is on the disk. `path` is its old content or all of the new.
    When the block raises, nothing is left; what a killed process left goes with the next write.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    partial, descriptor = _begun(path)
    try:
        yield partial
        os.fsync(descriptor)
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _begun(path: Path) -> tuple[Path, int]:
    """An empty file beside `path`, locked, so that others see that somebody is writing it."""
    while True:
        partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.{_SUFFIX}")
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        with contextlib.suppress(OSError):  # a file system without locks has no sweeping either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return partial, descriptor
        os.close(descriptor)  # somebody swept it away before it was locked


def _sweep(path: Path) -> None:
    """Remove what killed processes left beside `path`: nobody holds it any more."""
    for left in path.parent.glob(f"{glob.escape(path.name)}.*.{_SUFFIX}"):
        with contextlib.suppress(OSError):
            descriptor = os.open(left, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.unlink()
            finally:
                os.close(descriptor)
