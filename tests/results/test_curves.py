from __future__ import annotations

from collections.abc import Callable

import pytest

from pi0bench.errors import UsageError
from pi0bench.results.curves import steps_figure
from pi0bench.results.profile import Profile, profiles
from pi0bench.results.record import Cell, Record
from pi0bench.results.tables import summarize

Cells = Callable[..., Cell]
Records = Callable[..., Record]


@pytest.fixture
def found(make_cell: Cells, make_record: Records) -> list[Profile]:
    records = [
        make_record(
            make_cell(e, policy=policy, task=task, steps=steps),
            "success" if e < steps else "failure",
        )
        for policy, asked in (("pi0", (0, 1, 2, 5)), ("regression", (1,)))
        for task in ("stack", "pick $x_1$")
        for steps in asked
        for e in range(6)
    ]
    return profiles(summarize(records, []), records, [], [])


def test_the_same_profiles_give_the_same_bytes(found: list[Profile]) -> None:
    first = steps_figure(found, [])
    assert steps_figure(found[::-1], []) == first
    assert len(first) > 10_000


def test_nothing_measured_is_refused() -> None:
    with pytest.raises(UsageError, match="nothing was measured"):
        steps_figure([], [])
