"""Several success rates on the same episodes: which cannot be told from the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

import numpy as np
from statsmodels.stats.contingency_tables import cochrans_q
from statsmodels.stats.multitest import multipletests

from pi0bench.stats.paired_tests import FIXED, Methods, Paired, paired

Name = TypeVar("Name")


@dataclass(frozen=True)
class Pair:
    """Two of several, compared.

    Attributes:
        first: name.
        second: name.
        result: rate of the first less that of the second.
        p: of the test of the two, adjusted for all pairs (Holm).
    """

    first: str
    second: str
    result: Paired
    p: float


@dataclass(frozen=True)
class Several:
    """K conditions measured on the same episodes.

    Attributes:
        n: episodes that all were measured on.
        q_p: of Cochran's Q test that all rates are equal; 1 where no episode tells any apart.
        pairs: all K (K - 1) / 2.
        best: names that cannot be told from the one with the highest rate, itself among them.
    """

    n: int
    q_p: float
    pairs: tuple[Pair, ...]
    best: frozenset[str]


def several(
    outcomes: Mapping[str, Sequence[bool]], level: float = 0.95, methods: Methods = FIXED
) -> Several:
    """Compare every two of several conditions.

    The probability that any two with equal rates are said to differ is at most 1 - level.

    Args:
        outcomes: success of the same episodes in the same order, by condition.
        level: of the intervals and of the decision.
        methods: how two are compared.

    Source: Cochran 1950; McNemar 1947; Holm 1979.
    """
    names = list(outcomes)
    both = combinations(names, 2)
    results = [paired(outcomes[a], outcomes[b], level, methods) for a, b in both]
    adjusted = _holm([result.p for result in results])
    pairs = tuple(
        Pair(a, b, result, p)
        for (a, b), result, p in zip(combinations(names, 2), results, adjusted, strict=True)
    )
    n = len(next(iter(outcomes.values())))
    best = frozenset(_best(outcomes, adjusted, level))
    return Several(n, _cochran(list(outcomes.values())), pairs, best)


def indistinguishable(
    outcomes: Mapping[Name, Sequence[bool]], level: float = 0.95, methods: Methods = FIXED
) -> frozenset[Name]:
    """Return `several(outcomes).best`, without the intervals, which take most of the time."""
    table = np.array(list(outcomes.values()), dtype=int)
    only = table @ (1 - table).T
    both = combinations(range(len(table)), 2)
    ps = [methods.test(int(only[a, b]), int(only[b, a])) for a, b in both]
    return frozenset(_best(outcomes, _holm(ps), level))


def _best(
    outcomes: Mapping[Name, Sequence[bool]], adjusted: Sequence[float], level: float
) -> set[Name]:
    """The names that are not told from the one with the highest rate, by the pairs' adjusted p."""
    top = max(outcomes, key=lambda name: sum(outcomes[name]))
    told = {
        second if first == top else first
        for (first, second), p in zip(combinations(outcomes, 2), adjusted, strict=True)
        if p < 1 - level and top in (first, second)
    }
    return set(outcomes) - told


def _holm(ps: Sequence[float]) -> list[float]:
    if not ps:
        return []
    return np.asarray(multipletests(ps, method="holm")[1]).tolist()


def _cochran(outcomes: Sequence[Sequence[bool]]) -> float:
    table = np.array(outcomes, dtype=int).T
    successes = table.sum(axis=1) if table.size else np.zeros(0)
    if len(outcomes) < 2 or not ((successes > 0) & (successes < len(outcomes))).any():
        return 1.0
    return float(cochrans_q(table).pvalue)
