"""Processor time by account: functions are watched for a while, from outside."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from time import process_time
from typing import Any

Place = tuple[Any, str]
"""A class or module, and the name of a function in it."""


class Ledger:
    """Books processor time, that of every thread of this process, once each.

    What one watched function spends inside another is booked on the inner one alone.

    Attributes:
        spent_s: by account.
    """

    def __init__(self) -> None:
        self.spent_s: defaultdict[str, float] = defaultdict(float)
        self._inner_s = [0.0]
        self._whole = False

    def booked(
        self, account: str, function: Callable[..., Any], whole: bool = False
    ) -> Callable[..., Any]:
        """The same function, which also books what it takes.

        Args:
            account: to which.
            function: any.
            whole: book also what watched functions spend inside.
        """

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._whole:
                return function(*args, **kwargs)
            self._whole = whole
            self._inner_s.append(0.0)
            start_s = process_time()
            try:
                return function(*args, **kwargs)
            finally:
                took_s = process_time() - start_s
                self.spent_s[account] += took_s - self._inner_s.pop()
                self._inner_s[-1] += took_s
                self._whole = False

        return call

    @contextmanager
    def watching(self, places: Mapping[Place, str], whole: tuple[str, ...] = ()) -> Iterator[None]:
        """Book these functions for a while.

        Args:
            places: the account of each.
            whole: the accounts on which everything inside is booked too.
        """
        with ExitStack() as undo:
            for (owner, name), account in places.items():
                watched = self.booked(account, getattr(owner, name), account in whole)
                undo.enter_context(replaced(owner, name, watched))
            yield


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Put something else in the place of a class's or module's attribute, for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
