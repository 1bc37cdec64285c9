"""A regression is said only where the interval of the difference shows it."""

from __future__ import annotations

import pytest

from pi0bench.errors import UsageError
from pi0bench.report.comparison_input import Entry
from pi0bench.report.regression_verdict import Outcome, regressions
from tests.report.test_comparison import measured


def held(won: int, before: int, n: int, points: float = 5.0) -> Outcome:
    """What is said of so many successes of n, the first ones, where there were others before."""
    runs = [Entry(measured([e < k for e in range(n)])) for k in (before, won)]
    (found,) = regressions(dict(zip(("old", "new"), runs, strict=True)), points)
    assert found.sentence().startswith(
        "new · pi0 · 10 · euler · mujoco / gl / nominal less old · pi0 · 10 · euler · mujoco"
    )
    assert f": {found.outcome} by more than {points:g} points: " in found.sentence()
    return found.outcome


@pytest.mark.parametrize(
    ("won", "before", "n", "outcome"),
    [
        (200, 380, 400, Outcome.WORSE),
        (380, 380, 400, Outcome.NOT_WORSE),
        (400, 200, 400, Outcome.NOT_WORSE),
        (372, 380, 400, Outcome.NOT_WORSE),
        (360, 380, 400, Outcome.OPEN),
        (19, 20, 20, Outcome.OPEN),
    ],
)
def test_worse_not_worse_and_not_resolved(won: int, before: int, n: int, outcome: Outcome) -> None:
    assert held(won, before, n) is outcome


def test_the_margin_decides() -> None:
    assert held(360, 380, 400, points=1.0) is Outcome.WORSE
    assert held(360, 380, 400, points=20.0) is Outcome.NOT_WORSE


def test_the_same_condition_or_the_only_one_is_the_reference() -> None:
    curve = [*measured([True] * 20, steps=1), *measured([True] * 20, steps=10)]
    pairs = regressions({"old": Entry(curve), "new": Entry(curve)}, 5)
    assert [(" · 1 · " in p.name, " · 1 · " in p.reference) for p in pairs] == [
        *((True, True), (False, False))
    ]
    one = Entry(measured([True] * 20, policy="bc", steps=0, solver="none"))
    assert len(regressions({"old": one, "new": Entry(curve)}, 5)) == 2
    with pytest.raises(UsageError, match="no such condition to hold it against; choose with"):
        regressions({"old": Entry(curve), "new": one}, 5)


def test_what_cannot_be_held_against_anything_is_said() -> None:
    one, other = Entry(measured([True] * 20)), Entry(measured([True] * 20, seed=1))
    with pytest.raises(UsageError, match="name two runs or more"):
        regressions({"old": one}, 5)
    with pytest.raises(UsageError, match="shares no episode with old"):
        regressions({"old": one, "new": other}, 5)
    with pytest.raises(UsageError, match="101 points; give 0 to 100"):
        regressions({"old": one, "new": one}, 101)
    with pytest.raises(UsageError, match="two versions"):
        regressions({"old": one, "new": Entry(measured([True] * 20, task_hash="ef"))}, 5)
