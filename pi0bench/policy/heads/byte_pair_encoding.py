"""Byte-pair encoding of rows of small integers, all rows at once.

`tokenizers` does the same to strings; at run time only `expand` is needed, which is a table.
Source: Sennrich et al. 2016, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pair = tuple[int, int]
Ids = NDArray[np.int64]


def learn(rows: Ids, alphabet: int, vocabulary: int) -> list[Pair]:
    """The merges, most frequent pair first; the i-th makes id `alphabet` + i.

    Args:
        rows: symbols below `alphabet`, (N, L).
        alphabet: number of symbols.
        vocabulary: number of ids to end with, at most; no pair that is found once is merged.
    """
    ids, owner = _flat(rows)
    merges: list[Pair] = []
    for new in range(alphabet, vocabulary):
        together = owner[:-1] == owner[1:]
        codes = (ids[:-1] * vocabulary + ids[1:])[together]
        counts = np.bincount(codes, minlength=1)
        best = int(counts.argmax())
        if counts[best] < 2:
            break
        pair = divmod(best, vocabulary)
        merges.append(pair)
        ids, owner = _merge(ids, owner, pair, new)
    return merges


def encode(rows: Ids, alphabet: int, merges: Sequence[Pair]) -> list[Ids]:
    """Ids of each row of symbols, (N, L); a merge never undoes an earlier one's, so one sweep."""
    ids, owner = _flat(rows)
    for new, pair in enumerate(merges, start=alphabet):
        ids, owner = _merge(ids, owner, pair, new)
    return np.split(ids, np.searchsorted(owner, np.arange(1, len(rows))))


def expand(alphabet: int, merges: Sequence[Pair]) -> list[list[int]]:
    """The symbols that each id stands for."""
    table = [[symbol] for symbol in range(alphabet)]
    for left, right in merges:
        table.append(table[left] + table[right])
    return table


def _flat(rows: Ids) -> tuple[Ids, Ids]:
    """All symbols one after the other, and the row that each is in."""
    return rows.ravel().astype(np.int64), np.repeat(np.arange(len(rows)), rows.shape[1])


def _merge(ids: Ids, owner: Ids, pair: Pair, new: int) -> tuple[Ids, Ids]:
    hits = np.flatnonzero((ids[:-1] == pair[0]) & (ids[1:] == pair[1]) & (owner[:-1] == owner[1:]))
    if not len(hits):
        return ids, owner
    if pair[0] == pair[1]:  # of overlapping pairs, every second one from the left
        starts = np.flatnonzero(np.diff(hits, prepend=-2) != 1)
        run = np.repeat(starts, np.diff(starts, append=len(hits)))
        hits = hits[(np.arange(len(hits)) - run) % 2 == 0]
    ids = ids.copy()
    ids[hits] = new
    return np.delete(ids, hits + 1), np.delete(owner, hits + 1)
