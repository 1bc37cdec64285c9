"""Work in a thread that can be given up while it is done."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from threading import Lock, get_ident
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class GivenUpError(Exception):
    """Nobody waits for the work any more."""


class Turn(Generic[_Result]):
    """One piece of work, to be called once by whichever thread does it.

    Args:
        work: does not know that it can be given up; it ends before its next line of Python.
    """

    def __init__(self, work: Callable[[], _Result]) -> None:
        self._work, self._lock = work, Lock()
        self._thread: int | None = None
        self._given_up = False

    def __call__(self) -> _Result:
        """Do it.

        Raises:
            GivenUpError: it was given up, before or while it was done.
        """
        with self._lock:
            if self._given_up:
                raise GivenUpError
            self._thread = get_ident()
        try:
            return self._work()
        finally:
            with self._lock:
                _interrupt(self._thread, None)  # what comes too late must not hit the next one
                self._thread = None

    def give_up(self) -> None:
        """End it as soon as may be; nothing happens when it is done."""
        with self._lock:
            if not self._given_up and self._thread is not None:
                _interrupt(self._thread, GivenUpError)
            self._given_up = True


def _interrupt(thread: int, error: type[Exception] | None) -> None:
    """Raise `error` in a thread at its next line of Python; None takes back what is not raised."""
    raised = None if error is None else ctypes.py_object(error)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), raised)
