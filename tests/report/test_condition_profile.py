from __future__ import annotations

from collections.abc import Callable

import pytest

from pi0bench.records.chunk_quality import Quality
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.report.condition_profile import Distance, Profile, profiles
from pi0bench.report.success_table import summarize
from pi0bench.stats.success_intervals import Interval

Cells = Callable[..., Cell]
Records = Callable[..., Record]


def build(
    records: list[Record],
    timings: list[Timing] | None = None,
    qualities: list[Quality] | None = None,
) -> list[Profile]:
    return profiles(summarize(records, timings or []), records, timings or [], qualities or [])


def test_a_condition_is_one_profile(make_cell: Cells, make_record: Records) -> None:
    records = [
        make_record(make_cell(e, task=task, policy=policy, steps=steps))
        for policy in ("b", "a")
        for steps in (10, 2)
        for task in ("stack", "sort")
        for e in range(3)
    ]
    found = build(records)
    named = [(p.condition.policy, p.condition.steps) for p in found]
    assert named == [("a", 2), ("a", 10), ("b", 2), ("b", 10)]
    for profile in found:
        assert [row.task for row in profile.tasks] == ["sort", "stack"]
        assert (profile.total.is_mean, profile.total.n) == (True, 6)


def test_a_single_task_is_its_own_total(make_cell: Cells, make_record: Records) -> None:
    (found,) = build([make_record(make_cell(0))])
    assert found.tasks == (found.total,)
    assert not found.total.is_mean


def test_what_was_not_measured_is_none(make_cell: Cells, make_record: Records) -> None:
    (found,) = build([make_record(make_cell(e)) for e in range(8)])
    assert (found.eyes_ms, found.prefix_ms, found.each_ms) == (None, None, None)
    assert (found.jerk_m_s3, found.jump_m_s, found.distance) == (None, None, None)


def test_times_are_medians_of_their_parts(make_cell: Cells, make_record: Records) -> None:
    cells = [make_cell(e) for e in range(3)]
    records = [make_record(cell, replans=4, trunk_evaluations=40) for cell in cells]
    timings = [
        Timing(cells[0].key(), 1.0, 30.0, 4.0, 2.0, 20.0),
        Timing(cells[1].key(), 1.0, 31.0, 5.0, 3.0, 30.0),
        Timing(cells[2].key(), 1.0, 50.0, 9.0, 8.0, 90.0),
    ]
    (found,) = build(records, timings)
    assert (found.eyes_ms, found.prefix_ms) == (5.0, 3.0)
    # Ten evaluations a re-plan.
    assert found.each_ms == pytest.approx(3.0)


def test_an_episode_without_evaluations_has_no_time_of_one(
    make_cell: Cells, make_record: Records
) -> None:
    cell = make_cell(0)
    timings = [Timing(cell.key(), 1.0, 30.0, 4.0, 2.0, 20.0)]
    (found,) = build([make_record(cell, trunk_evaluations=0)], timings)
    assert found.each_ms is None


def test_medians_carry_interval_and_n(make_cell: Cells, make_record: Records) -> None:
    jerks = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    records = [make_record(make_cell(e), jerk_m_s3=jerk) for e, jerk in enumerate(jerks)]
    records += [make_record(make_cell(6)), make_record(make_cell(7), "cancelled", jerk_m_s3=99.0)]
    (found,) = build(records)
    assert found.jerk_m_s3 is not None
    assert (found.jerk_m_s3.value, found.jerk_m_s3.n) == (3.5, 6)
    assert found.jerk_m_s3.interval == Interval(1.0, 6.0)


def test_distances_are_means_over_tasks(
    make_cell: Cells, make_record: Records, make_quality: Callable[..., Quality]
) -> None:
    qualities = [
        make_quality(task="stack", rmse=0.125, energy_distance=0.0625),
        make_quality(task="sort", rmse=0.375, energy_distance=0.1875, reference_steps=50),
        make_quality(task="stack", rmse=9.0, steps=1),
        make_quality(task="stack", rmse=9.0, engine="pybullet"),
    ]
    (found,) = build([make_record(make_cell(0))], qualities=qualities)
    assert found.distance == Distance(0.25, 0.125, (50, 100), 2 * 20 * 16)
