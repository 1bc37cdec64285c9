"""PyBullet's client: silent, and refusing to be copied."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn


@contextmanager
def _muted() -> Iterator[None]:
    """Hold back what C code writes to stderr: once, since every thread's words are held back."""
    try:
        kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # it is closed
        yield
        return
    if sys.stderr:
        sys.stderr.flush()
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


with _muted():  # PyBullet says when it was built
    import pybullet
    from pybullet_utils.bullet_client import BulletClient


class Client(BulletClient):
    """A new empty PyBullet world in this process."""

    def __init__(self) -> None:
        self._shapes: dict[int, Any] = {}
        self._pid = os.getpid()
        # BulletClient's own constructor passes options, and Bullet prints them.
        self._client = pybullet.connect(pybullet.DIRECT)

    def __getattr__(self, name: str) -> Any:
        function = super().__getattr__(name)
        setattr(self, name, function)  # looked up once: episodes call them by the ten thousand
        return function

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            "a PyBullet world can be neither copied nor pickled: the copy would be the same "
            "simulator under two names; make another environment, and reset it to the same start "
            'state by its seed, or by options={"episode": ...}'
        )
