"""Writers in a process of their own: what to do, and to which file or folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from pi0bench.files.atomic import replacing
from pi0bench.files.durable import write_atomic
from pi0bench.files.folder_lock import alone

ROUNDS = 60


def fill(path: Path) -> None:
    """Write one file often, each time with more of one letter."""
    letter = bytes([ord("a") + os.getpid() % 26])
    for length in range(1, ROUNDS):
        write_atomic(path, letter * 1000 * length)


def count(folder: Path) -> None:
    """Lengthen a file often, without a sound way to do it but for the lock."""
    path = folder / "count"
    for _ in range(ROUNDS):
        with alone(folder, 60.0):
            path.write_text("x" + (path.read_text() if path.exists() else ""))


def die(path: Path) -> None:
    """Be killed in the midst of writing a file."""
    with replacing(path) as partial:
        partial.write_bytes(b"half")
        os.kill(os.getpid(), 9)


WORKS: dict[str, Callable[[Path], None]] = {"fill": fill, "count": count, "die": die}

if __name__ == "__main__":
    WORKS[sys.argv[1]](Path(sys.argv[2]))
