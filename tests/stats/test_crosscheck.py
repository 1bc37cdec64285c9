"""Our statistics beside those of an independent package, on random outcomes."""

from __future__ import annotations

import numpy as np
import pytest
import robostats
from robostats import Alignment, EpisodeRecord, RecordSet

from pi0bench.stats.multiple_comparisons import several
from pi0bench.stats.paired_tests import paired
from pi0bench.stats.success_intervals import clopper_pearson

Outcomes = dict[str, list[bool]]


def outcomes(seed: int, policies: int) -> Outcomes:
    """Successes of that many policies on the same episodes, some hard and some easy for all."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 200))
    hard, skill = rng.normal(0, 1, n), rng.normal(0.5, 0.8, policies)
    noise = rng.normal(0, 0.7, (policies, n))
    won = skill[:, None] + noise > hard
    return {f"policy{row}": list(map(bool, won[row])) for row in range(policies)}


def aligned(of: Outcomes) -> Alignment:
    return robostats.align(
        *[
            RecordSet([EpisodeRecord(name, "task", hit, str(i)) for i, hit in enumerate(hits)])
            for name, hits in of.items()
        ]
    )


@pytest.mark.parametrize("seed", range(40))
def test_two_policies(seed: int) -> None:
    of = outcomes(seed, 2)
    first, second = of.values()
    ours, theirs = paired(first, second), robostats.compare(aligned(of))
    assert isinstance(theirs, robostats.ComparisonResult)
    assert ours.difference == pytest.approx(theirs.delta, abs=1e-12)
    assert ours.p == pytest.approx(theirs.p_value, rel=1e-9)
    assert ours.interval.low == pytest.approx(theirs.interval.lower, abs=1e-6)
    assert ours.interval.high == pytest.approx(theirs.interval.upper, abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_several_policies(seed: int) -> None:
    of = outcomes(seed, 4)
    data = aligned(of)
    ours, theirs = several(of), robostats.pairwise(data)
    assert ours.q_p == pytest.approx(robostats.cochran_q(data).p_value, rel=1e-6)
    adjusted = {frozenset((pair.first, pair.second)): pair.p for pair in ours.pairs}
    for pair in theirs.pairs:
        key = frozenset((pair.policy_id_a, pair.policy_id_b))
        assert adjusted.pop(key) == pytest.approx(pair.p_value_corrected, rel=1e-9)
    assert not adjusted
    # Theirs leaves out what is worse than anyone; ours what is worse than the best.
    members = {data.policy_ids[i] for i in robostats.indistinguishable_set(data).members}
    assert members <= ours.best


@pytest.mark.parametrize("n", [1, 5, 50, 500])
def test_a_rate(n: int) -> None:
    for k in range(0, n + 1, max(1, n // 17)):
        ours, theirs = clopper_pearson(k, n), robostats.clopper_pearson(k, n)
        assert (ours.low, ours.high) == pytest.approx((theirs.lower, theirs.upper), abs=1e-9)
