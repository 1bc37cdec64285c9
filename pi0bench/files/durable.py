"""Files that survive a killed process and a full disk, or say in one sentence why not."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from pi0bench.errors import StorageError, UsageError
from pi0bench.files.atomic import replacing

_REMEDIES = {
    errno.ENOSPC: "free some space or choose another --out",
    errno.EDQUOT: "free some space or choose another --out",
    errno.EFBIG: "free some space or choose another --out",
    errno.ENOTDIR: "a part of this path is a file; choose another --out",
    errno.EEXIST: "a part of this path is a file; choose another --out",
    errno.EROFS: "the disk is read-only; choose another --out",
    errno.ENOLCK: "this file system has no locks; choose an --out on a local disk",
}

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into a StorageError with the reason and what would work."""
    try:
        yield
    except OSError as error:
        raise StorageError(_trouble(error, path)) from error


def storage_trouble(error: OSError) -> str:
    """Say what is wrong with a file or a disk, and what would work; empty when it is neither."""
    if error.filename is None and error.errno not in _NO_ROOM:
        return ""
    return _trouble(error, "the disk" if error.filename is None else error.filename)


def _trouble(error: OSError, where: object) -> str:
    remedy = _REMEDIES.get(error.errno or 0, "choose an --out folder that you may write")
    return f"{where}: {error.strerror or error}; {remedy}"


def prove_writable(folder: Path) -> None:
    """Make `folder` and take a file in it through every step that a run will need.

    Raises:
        UsageError: it is no folder that this user may write.
        StorageError: there is no room left.
    """
    try:
        with storage(folder):
            folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        write_atomic(probe, b"\0" * 4096)
        with storage(folder):
            probe.unlink()
    except StorageError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno not in _NO_ROOM:
            raise UsageError(str(error)) from error
        raise


def append_line(path: Path, line: str, durable: bool = True) -> None:
    """Append one line with a single write; first drop a torn tail.

    Args:
        path: of the file.
        line: without its end.
        durable: see it onto the disk (see `sync`).
    """
    data = f"{line}\n".encode()
    with storage(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            _drop_torn_tail(descriptor)
            written = os.write(descriptor, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes were written")
        finally:
            os.close(descriptor)
    if durable:
        sync(path)


def sync(path: Path) -> None:
    """See a file onto the disk, so that it outlives not only the process but the machine."""
    with storage(path):
        for what in (path, path.parent):  # a new file's name is its folder's
            descriptor = os.open(what, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _drop_torn_tail(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return
    os.ftruncate(descriptor, os.pread(descriptor, size, 0).rfind(b"\n") + 1)


def read_lines(path: Path) -> list[bytes]:
    """Return the whole lines of `path`; none for a missing file, no unterminated last line.

    A file whose name ends in .gz is unpacked.
    """
    with storage(path):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return []
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise StorageError(f"{path}: broken ({error}); copy it again") from None
    return data.split(b"\n")[:-1]


def read_words(path: Path) -> str:
    """Return the text of `path` without its ends' blanks, "" for a missing file."""
    with storage(path):
        try:
            return path.read_text("utf-8", "replace").strip()
        except FileNotFoundError:
            return ""


def write_atomic(path: Path, data: bytes) -> None:
    """Write `path` so that it holds either its old content or all of `data`."""
    with storage(path), replacing(path) as partial:
        partial.write_bytes(data)
