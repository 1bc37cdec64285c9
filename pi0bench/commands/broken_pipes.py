"""Standard output and error whose readers cannot break a command: files first, printing after."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO, cast

from pi0bench.errors import StorageError


class Outlet:
    """A text stream that outlives its reader: the first failure is kept, then it is silent.

    What its encoding lacks is replaced. Everything else is as the stream has it.

    Attributes:
        failure: why nothing more is written; None while all is well.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream or Path(os.devnull).open("w")  # noqa: SIM115
        self.failure = None if stream else OSError(errno.EBADF, "it is closed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write `text`; nothing after a failure."""
        self._try(lambda stream: stream.write(text))
        return len(text)

    def flush(self) -> None:
        """See to it that all of it is written; nothing after a failure."""
        self._try(lambda stream: stream.flush())

    def settle(self) -> int:
        """Say how it went: 0, also for a reader who had enough.

        Raises:
            StorageError: it could not be written.
        """
        self.flush()
        if self.failure is None or isinstance(self.failure, BrokenPipeError):
            return 0
        raise StorageError(f"standard output: {self.failure.strerror}; send it elsewhere")

    def _try(self, act: Callable[[TextIO], object]) -> None:
        if self.failure:
            return
        try:
            act(self._stream)
        except OSError as error:
            self.failure = error
            # The interpreter writes what is left at its end, and would complain once more.
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


@contextlib.contextmanager
def outlets() -> Iterator[Outlet]:
    """Put outlets in the place of standard output, which is given, and of standard error."""
    _occupy()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # closed, or a test's
            cast(Any, stream).reconfigure(errors="replace")
    out, err = Outlet(sys.stdout), Outlet(sys.stderr)
    with (
        contextlib.redirect_stdout(cast(TextIO, out)),
        contextlib.redirect_stderr(cast(TextIO, err)),
    ):
        yield out
        err.flush()


def _occupy() -> None:
    """Open those of the three standard descriptors that are closed.

    A file of the run would get their number otherwise, and what a C library prints its lines.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
