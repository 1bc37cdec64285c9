"""Things that can be used in the thread that made them only, and must end before the process."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class OnePerThread(Generic[T]):
    """Makes a thing once for each thread that asks for it.

    They are forgotten, and so freed, with their thread or when the interpreter ends: before what
    they stand on, such as EGL, ends by itself.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._things = threading.local()

    def __call__(self) -> T:
        """This thread's own."""
        if not hasattr(self._things, "own"):
            self._things.own = self._make()
            atexit.unregister(self.forget)
            atexit.register(self.forget)  # the last to be registered ends first
        return self._things.own

    def forget(self) -> None:
        """Forget this thread's own."""
        vars(self._things).clear()
