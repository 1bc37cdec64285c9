"""Processes that end with the one that started them, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import connection, get_context
from typing import Any

_ORPHANED = 71


def spawned_pool(
    workers: int, begin: Callable[..., object] | None = None, *with_these: Any
) -> ProcessPoolExecutor:
    """A pool of fresh processes, each of which calls `begin(*with_these)` first.

    Args:
        workers: how many.
        begin: an importable function.
        with_these: its arguments.
    """
    context = get_context("spawn")
    return ProcessPoolExecutor(workers, context, _begin, (begin, with_these))


def end_with_parent() -> None:
    """End this process, without cleaning up, as soon as its parent has ended."""
    threading.Thread(target=_follow_parent, daemon=True).start()


def _begin(begin: Callable[..., object] | None, with_these: tuple[Any, ...]) -> None:
    end_with_parent()
    if begin is not None:
        begin(*with_these)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(_ORPHANED)
