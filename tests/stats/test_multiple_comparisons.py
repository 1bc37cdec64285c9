from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar

from pi0bench.stats.multiple_comparisons import indistinguishable, several


def drawn(seed: int, n: int, *rates: float) -> dict[str, list[bool]]:
    """Outcomes with these rates on shared episodes, whose difficulty they share in part."""
    rng = np.random.default_rng(seed)
    shared = rng.random(n)
    mix = [np.where(rng.random(n) < 0.5, shared, rng.random(n)) for _ in rates]
    return {f"p{i}": list(x < rate) for i, (x, rate) in enumerate(zip(mix, rates, strict=True))}


def test_each_pair_has_holms_p() -> None:
    outcomes = drawn(0, 200, 0.8, 0.7, 0.4)
    found = several(outcomes)
    assert [(p.first, p.second) for p in found.pairs] == [("p0", "p1"), ("p0", "p2"), ("p1", "p2")]
    raw = []
    for pair in found.pairs:
        one, other = np.array(outcomes[pair.first]), np.array(outcomes[pair.second])
        table = [[(one & other).sum(), (one & ~other).sum()], [(~one & other).sum(), 0]]
        raw.append(float(vars(mcnemar(table, exact=True))["pvalue"]))
    ranks = np.argsort(raw)
    expected, so_far = [0.0] * 3, 0.0
    for rank, place in enumerate(ranks):
        so_far = max(so_far, min(1.0, (3 - rank) * raw[place]))
        expected[place] = so_far
    assert [p.p for p in found.pairs] == pytest.approx(expected)


def test_the_best_set_holds_all_that_cannot_be_told_from_the_best() -> None:
    found = several(drawn(1, 500, 0.8, 0.79, 0.5))
    assert found.best == {"p0", "p1"}
    assert found.q_p < 1e-6
    assert several(drawn(1, 8, 0.8, 0.79, 0.5)).best == {"p0", "p1", "p2"}


@pytest.mark.slow
def test_of_equals_one_is_rarely_called_worse() -> None:
    wrong = sum(len(indistinguishable(drawn(seed, 60, *[0.7] * 4))) < 4 for seed in range(400))
    assert wrong <= 33  # 5 % of 400, and three standard deviations more


@pytest.mark.parametrize("value", [True, False])
def test_what_tells_nothing_apart_differs_in_nothing(value: bool) -> None:
    found = several({"a": [value] * 9, "b": [value] * 9})
    assert (found.q_p, found.pairs[0].p, found.best) == (1.0, 1.0, {"a", "b"})
    alone = several({"a": [value] * 9})
    assert (alone.pairs, alone.best, alone.q_p) == ((), {"a"}, 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_best_set_is_the_same_without_intervals(seed: int) -> None:
    outcomes = drawn(seed, 120, 0.8, 0.7, 0.66, 0.4, 0.79)
    assert indistinguishable(outcomes) == several(outcomes).best
    assert indistinguishable({"only": [True, False]}) == {"only"}
