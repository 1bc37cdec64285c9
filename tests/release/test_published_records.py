from __future__ import annotations

from collections.abc import Callable

import pytest

from pi0bench.records.chunk_quality import Quality
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.release.published_records import Asked, Evidence

Cells = Callable[..., Cell]
Records = Callable[..., Record]
TEN, ONE = Asked("pi0", 10, "euler"), Asked("pi0", 1, "euler")


def test_success_is_compared_on_the_episodes_of_both(
    make_cell: Cells, make_record: Records
) -> None:
    records = [make_record(make_cell(e)) for e in range(5)]
    records += [make_record(make_cell(e, steps=1), "failure") for e in range(3, 9)]
    records += [make_record(make_cell(0, steps=1), "cancelled")]
    records += [make_record(make_cell(1, steps=1, engine="pybullet"), "failure")]
    evidence = Evidence(records, [], [])
    found = evidence.difference(TEN, ONE)
    assert found is not None
    assert (found.n, found.only_first, found.only_second, found.difference) == (2, 2, 0, 1.0)
    assert evidence.difference(TEN, Asked("nobody")) is None


def test_a_ratio_of_jerk_is_a_geometric_mean(make_cell: Cells, make_record: Records) -> None:
    factors = (0.25, 0.5, 1.0)
    records = [make_record(make_cell(e), jerk_m_s3=40.0 * f) for e, f in enumerate(factors)]
    records += [make_record(make_cell(e, steps=1), jerk_m_s3=40.0) for e in range(3)]
    evidence = Evidence(records, [], [])
    found, mirrored = evidence.jerk(TEN, ONE), evidence.jerk(ONE, TEN)
    assert found is not None
    assert mirrored is not None
    assert (found.value, found.n) == (pytest.approx(0.5), 3)
    assert found.interval.low < 0.5 < found.interval.high
    assert found.interval.low * mirrored.interval.high == pytest.approx(1.0)
    # Student's t with 2 degrees of freedom, 4.3027, times ln 2 / √3.
    assert found.interval.high == pytest.approx(0.5 * 2 ** (4.30265 / 3**0.5), rel=1e-4)


def test_two_pairs_make_no_ratio(make_cell: Cells, make_record: Records) -> None:
    records = [make_record(make_cell(e, steps=k), jerk_m_s3=9.0) for k in (1, 10) for e in (0, 1)]
    records.append(make_record(make_cell(2, steps=1)))
    records.append(make_record(make_cell(2, steps=10), jerk_m_s3=9.0))
    assert Evidence(records, [], []).jerk(TEN, ONE) is None


def test_equal_ratios_have_an_interval_of_no_width(make_quality: Callable[..., Quality]) -> None:
    qualities = [
        make_quality(policy=policy, steps=1, task=task, rmse=rmse)
        for policy, rmse in (("pi0", 0.1), ("flow", 0.2))
        for task in "abc"
    ]
    qualities.append(make_quality(steps=1, task="a", rmse=7.0, renderer="tiny"))
    found = Evidence([], [], qualities).bend(ONE, Asked("flow", 1, "euler"))
    assert found is not None
    ends = (found.interval.low, found.value, found.interval.high)
    assert ends == pytest.approx((0.5, 0.5, 0.5))


def test_only_timed_replans_of_the_condition_count(make_cell: Cells, make_record: Records) -> None:
    cells = [make_cell(0), make_cell(1), make_cell(2, steps=1), make_cell(3, engine="pybullet")]
    timings = [Timing(c.key(), 1.0, ms) for c, ms in zip(cells, (5.0, None, 7.0, 9.0), strict=True)]
    evidence = Evidence([make_record(c) for c in cells], timings, [])
    assert evidence.replan_ms(TEN) == [5.0]
    assert evidence.replan_ms(Asked("nobody")) == []
