"""Which items a training step learns from: as many of each task, each task's in random order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Groups = Sequence[NDArray[np.int64]]
"""The numbers of the items of each group, such as a task's windows; (N,) each, none empty."""


def order(seed: int, groups: Groups, step: int, batch: int) -> NDArray[np.int64]:
    """The item numbers (batch,) of a step.

    The groups take turns, item by item and on from one step to the next; a group's own items come
    in one random order after another.
    """
    at = np.arange(step * batch, (step + 1) * batch)
    chosen = np.empty(batch, np.int64)
    for number, items in enumerate(groups):
        here = at % len(groups) == number
        turns = at[here] // len(groups)
        for epoch in np.unique(turns // len(items)):
            now = turns // len(items) == epoch
            shuffled = _permutation(seed, int(epoch), number, len(items))
            chosen[np.flatnonzero(here)[now]] = items[shuffled[turns[now] % len(items)]]
    return chosen


@lru_cache(maxsize=128)
def _permutation(seed: int, epoch: int, group: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, epoch, group]).permutation(count)
