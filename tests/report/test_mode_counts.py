from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from pi0bench.records.record import Cell, Record
from pi0bench.report.mode_counts import Split, choices, demonstrated

Cells = Callable[..., Cell]
Records = Callable[..., Record]

SPLITS = [Split.of({"a": a, "b": b, "c": c}, "abc") for a, b, c in product((0, 1, 4), repeat=3)]


def test_shares_add_up_to_one() -> None:
    for split in SPLITS:
        assert sum(split.shares.values()) == pytest.approx(1.0 if split.n else 0.0)
    assert Split.of({"b": 3}, "ba").shares == {"a": 0.0, "b": 1.0}
    assert Split.of({}, "ab").shares == {}


def test_total_variation_is_a_distance() -> None:
    known = [split for split in SPLITS if split.n]
    for one, other, third in product(known[::3], repeat=3):
        near, far, over = one.distance(other), one.distance(third), third.distance(other)
        assert near is not None
        assert far is not None
        assert over is not None
        assert 0.0 <= near <= 1.0
        assert near == other.distance(one)
        assert near <= far + over + 1e-12
        assert (near == 0.0) == (one.shares == other.shares)


def test_total_variation_by_hand() -> None:
    one, other = Split.of({"a": 1, "b": 1}, "ab"), Split.of({"a": 3, "b": 1}, "ab")
    assert one.distance(other) == 0.25
    assert Split.of({"a": 5}, "ab").distance(Split.of({"b": 2}, "ab")) == 1.0
    assert Split.of({"a": 5}, "a").distance(Split.of({"b": 2}, "b")) == 1.0
    assert one.distance(Split.of({}, "ab")) is None


def test_episodes_are_counted_whether_they_succeed_or_not(
    make_cell: Cells, make_record: Records
) -> None:
    records = [
        make_record(make_cell(0), mode="left"),
        make_record(make_cell(1), "failure", mode="left"),
        make_record(make_cell(2), "failure", mode="right"),
        make_record(make_cell(3), "failure"),
        make_record(make_cell(4), "cancelled", mode="left"),
        make_record(make_cell(0, task="lift")),
    ]
    (found,) = choices(records, {})
    assert found.task == "stack"
    assert found.taken == Split((("left", 2), ("right", 1)))
    assert (found.episodes, found.shown) == (4, None)


def test_a_mode_that_nobody_took_is_a_zero(make_cell: Cells, make_record: Records) -> None:
    shown = {"modes": {"pi0": {"stack": {"left": 3, "right": 5}, "lift": {}}}}
    records = [make_record(make_cell(0), mode="left"), make_record(make_cell(0, task="lift"))]
    (found,) = choices(records, shown)
    assert found.taken == Split((("left", 1), ("right", 0)))
    assert found.shown == Split((("left", 3), ("right", 5)))
    assert demonstrated([found]) == [("demonstrations", found.shown)]


def test_a_policy_without_demonstrations_is_beside_those_of_the_others_if_they_agree(
    make_cell: Cells, make_record: Records
) -> None:
    records = [make_record(make_cell(0, policy=p), mode="left") for p in ("a", "b", "c")]
    same = {"modes": {p: {"stack": {"left": 1, "right": 1}} for p in ("a", "b")}}
    assert {c.shown for c in choices(records, same)} == {Split((("left", 1), ("right", 1)))}
    apart = {"modes": {"a": {"stack": {"left": 1}}, "b": {"stack": {"right": 1}}}}
    found = choices(records, apart)
    assert [c.shown is None for c in found] == [False, False, True]
    assert [name for name, _ in demonstrated(found)] == [
        "demonstrations of a",
        "demonstrations of b",
    ]


def test_tasks_without_modes_are_left_out(make_cell: Cells, make_record: Records) -> None:
    assert choices([make_record(make_cell(0))], {"modes": {"pi0": {"stack": {}}}}) == []
