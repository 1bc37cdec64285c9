from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from pi0bench.records.record import Cell, Record
from pi0bench.report.enough_steps import Verdict, verdicts
from pi0bench.report.statistical_methods import FIXED
from pi0bench.report.verdict_sentences import rule, sentences

Judge = Callable[..., Verdict]


@pytest.fixture
def records_of(
    make_cell: Callable[..., Cell], make_record: Callable[..., Record]
) -> Callable[..., list[Record]]:
    def make(won: Mapping[int, int], n: int = 200, **changes: object) -> list[Record]:
        """The first so many of n episodes are won at each step count."""
        return [
            make_record(make_cell(e, steps=steps, **changes), "success" if e < k else "failure")
            for steps, k in won.items()
            for e in range(n)
        ]

    return make


@pytest.fixture
def judge(records_of: Callable[..., list[Record]]) -> Judge:
    def verdict(won: Mapping[int, int], n: int = 200) -> Verdict:
        (found,) = verdicts(records_of(won, n))
        return found

    return verdict


def test_a_rising_curve_needs_its_most_steps(judge: Judge) -> None:
    found = judge({1: 20, 2: 80, 10: 160})
    assert (found.best, found.best_rate, found.enough, found.hurt) == (10, 0.8, 10, ())
    assert [a.steps for a in found.fewer] == [1, 2]
    assert all(a.far and a.worse and not a.close for a in found.fewer)
    assert sentences([found]) == [
        "pi0: 10 steps are needed (80.0 %, n = 200): all fewer are worse by more than 5 points, "
        "the nearest, 2 steps, by -40.0 points [-46.9, -33.5]."
    ]


def test_a_flat_curve_needs_one_step(judge: Judge) -> None:
    found = judge({1: 160, 2: 160, 10: 160})
    assert (found.best, found.enough, found.hurt) == (1, 1, ())
    assert sentences([found]) == ["pi0: 1 step is enough: no more do better (80.0 %, n = 200)."]


def test_a_curve_that_levels_off_needs_its_knee(judge: Judge) -> None:
    found = judge({1: 40, 5: 159, 10: 160})
    assert (found.best, found.enough) == (10, 5)
    (said,) = sentences([found])
    assert said.startswith("pi0: 5 steps are enough: -0.5 points [")
    assert said.endswith("] from its best (10 steps, 80.0 %); n = 200.")


def test_a_falling_curve_hurts(judge: Judge) -> None:
    found = judge({1: 160, 2: 100, 10: 60})
    assert (found.best, found.enough, found.fewer) == (1, 1, ())
    assert [(a.steps, a.other) for a in found.hurt] == [(2, 1), (10, 1)]
    said = sentences([found])
    assert len(said) == 3
    assert said[2].startswith("pi0: more steps hurt: 10 steps are -50.0 points [")
    assert "] from 1 step (exact McNemar p = " in said[2]


def test_a_peak_hurts_beyond_it_only(judge: Judge) -> None:
    found = judge({1: 40, 5: 160, 10: 80})
    assert (found.best, found.enough) == (5, 5)
    assert [(a.steps, a.other) for a in found.hurt] == [(10, 5)]


def test_few_episodes_resolve_nothing(judge: Judge) -> None:
    found = judge({1: 9, 10: 12}, n=20)
    assert (found.best, found.enough, found.hurt) == (10, None, ())
    (said,) = sentences([found])
    assert said.startswith("pi0: not resolved at n = 20: 1 step is -15.0 points [")


def test_a_cheaper_count_that_is_not_resolved_is_said(judge: Judge) -> None:
    found = judge({1: 152, 5: 160, 10: 160, 20: 161})
    assert (found.best, found.enough) == (20, 5)
    (said,) = sentences([found])
    assert "; 1 step is not resolved, -4.5 points [" in said


def test_an_interval_alone_does_not_say_that_more_hurts(judge: Judge) -> None:
    """Five pairs against none: Tango's interval lies below 0, the exact p is 0.0625."""
    found = judge({1: 60, 2: 55}, n=100)
    (more,) = judge({1: 55, 2: 60}, n=100).fewer
    assert more.result.interval.high < 0.0
    assert more.result.p == pytest.approx(0.0625)
    assert not more.worse
    assert found.hurt == ()


def test_only_episodes_of_all_step_counts_are_paired(
    records_of: Callable[..., list[Record]],
) -> None:
    records = records_of({1: 5}, 10) + records_of({2: 5}, 4)
    (found,) = verdicts(records)
    assert (found.n, found.best, found.best_rate) == (4, 1, 1.0)
    apart = records_of({1: 3}, 5, seed=0) + records_of({2: 3}, 5, seed=1)
    (found,) = verdicts(apart)
    assert found.n == 0
    assert sentences([found]) == ["pi0: not resolved: no episode was measured at every step count."]


def test_a_policy_without_a_sampler_or_with_one_step_count_gets_none(
    records_of: Callable[..., list[Record]],
) -> None:
    assert verdicts(records_of({0: 5}, 10, solver="none") + records_of({7: 5}, 10)) == []


def test_names_say_what_tells_lines_apart(records_of: Callable[..., list[Record]]) -> None:
    won = {1: 8, 2: 8}
    solvers = records_of(won, 10) + records_of(won, 10, solver="heun")
    assert [line.split(":")[0] for line in sentences(verdicts(solvers))] == [
        "pi0 with euler",
        "pi0 with heun",
    ]
    worlds = records_of(won, 10) + records_of(won, 10, engine="pybullet")
    assert [line.split(":")[0] for line in sentences(verdicts(worlds))] == [
        "pi0 in mujoco / gl / nominal",
        "pi0 in pybullet / gl / nominal",
    ]


def test_the_order_of_records_changes_nothing(records_of: Callable[..., list[Record]]) -> None:
    records = records_of({1: 3, 2: 9, 5: 8}, 10)
    assert verdicts(records[::-1]) == verdicts(records)


def test_the_rule_states_its_margin() -> None:
    assert "5 points" in rule(FIXED)
    assert "0.05" in rule(FIXED)
