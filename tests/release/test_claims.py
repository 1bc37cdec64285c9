from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pi0bench.content.folders import folder
from pi0bench.errors import UsageError
from pi0bench.records.chunk_quality import Quality
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.release.claims import (
    FILE,
    OPEN,
    REFUTED,
    SUPPORTED,
    Claim,
    claims,
    markdown,
    questions,
)
from pi0bench.release.published_records import Evidence

Cells = Callable[..., Cell]
Episodes = Callable[..., list[Record]]

FEWER, FIVE, FITS, STRAIGHT = "needs fewer", "Five steps are", "fit into 20 ms", "straighter"
ASKED = questions(folder("results") / FILE)
TRAINS, SMOOTH, ZERO = "trains five", "smoother", "Zero initial"


def judged(
    about: str,
    records: Iterable[Record] = (),
    timings: Iterable[Timing] = (),
    qualities: Iterable[Quality] = (),
) -> Claim:
    found = claims(Evidence(list(records), list(timings), list(qualities)), ASKED)
    (claim,) = [claim for claim in found if about in claim.says]
    return claim


@pytest.fixture
def episodes(make_cell: Cells, make_record: Callable[..., Record]) -> Episodes:
    def make(
        policy: str, steps: int, won: int, n: int = 300, solver: str = "euler", **changes: object
    ) -> list[Record]:
        cells = [make_cell(e, policy=policy, steps=steps, solver=solver) for e in range(n)]
        return [
            make_record(cell, "success" if e < won else "failure", **changes)
            for e, cell in enumerate(cells)
        ]

    return make


def test_without_measurements_every_claim_is_open() -> None:
    found = claims(Evidence([], [], []), ASKED)
    assert len({claim.says for claim in found}) == 7
    assert {claim.verdict for claim in found} == {OPEN}
    assert all(not claim.measured for claim in found)
    assert markdown(found).count("**Not resolved.**") == 7


@pytest.mark.parametrize(
    ("five", "n", "verdict"),
    [(238, 300, SUPPORTED), (180, 300, REFUTED), (14, 20, OPEN)],
)
def test_five_steps(five: int, n: int, verdict: str, episodes: Episodes) -> None:
    ten = 240 if n == 300 else 16
    claim = judged(FIVE, episodes("pi0", 5, five, n) + episodes("pi0", 10, ten, n))
    assert claim.verdict == verdict
    assert claim.measured[0].startswith("pi0, 5 less 10 steps: -")
    assert f"(n = {n}, exact McNemar p = " in claim.measured[0]


def test_one_policy_that_needs_more_is_enough_to_refute(episodes: Episodes) -> None:
    good = episodes("flow", 5, 240) + episodes("flow", 10, 240)
    bad = episodes("pi0", 5, 150) + episodes("pi0", 10, 240)
    assert judged(FIVE, good).verdict == SUPPORTED
    assert judged(FIVE, good + bad).verdict == REFUTED


@pytest.mark.parametrize(
    ("flow", "ddim", "verdict"),
    [
        ({1: 240, 2: 240, 10: 240}, {1: 10, 2: 60, 10: 240}, SUPPORTED),
        ({1: 10, 2: 60, 10: 240}, {1: 240, 2: 240, 10: 240}, REFUTED),
        ({1: 10, 2: 60, 10: 240}, {1: 10, 2: 60, 10: 240}, REFUTED),
        ({1: 228, 2: 230, 10: 240}, {1: 10, 2: 60, 10: 240}, OPEN),
    ],
)
def test_fewer_steps(
    flow: dict[int, int], ddim: dict[int, int], verdict: str, episodes: Episodes
) -> None:
    records = [r for k, won in flow.items() for r in episodes("flow", k, won)]
    assert judged(FEWER, records).verdict == OPEN
    records += [r for k, won in ddim.items() for r in episodes("ddim", k, won, solver="ddim")]
    claim = judged(FEWER, records)
    assert claim.verdict == verdict
    assert any(line.startswith("flow less ddim, 2 steps each: ") for line in claim.measured)


@pytest.mark.parametrize(
    ("late", "n", "verdict"), [(0, 300, SUPPORTED), (60, 300, REFUTED), (0, 20, OPEN)]
)
def test_twenty_milliseconds(late: int, n: int, verdict: str, episodes: Episodes) -> None:
    records = episodes("pi0", 5, n, n)
    timings = [Timing(r.cell.key(), 1.0, 25.0 if e < late else 15.0) for e, r in enumerate(records)]
    claim = judged(FITS, records, timings)
    assert claim.verdict == verdict
    assert f"{n - late} of {n} re-plans within 20 ms" in claim.measured[0]


@pytest.mark.parametrize(
    ("bends", "verdict"),
    [((0.10, 0.11, 0.12), SUPPORTED), ((0.40, 0.44, 0.42), REFUTED), ((0.1, 0.2, 0.5), OPEN)],
)
def test_straighter(
    bends: tuple[float, ...], verdict: str, make_quality: Callable[..., Quality]
) -> None:
    qualities = [
        make_quality(policy=policy, solver=solver, steps=1, task=str(task), rmse=rmse)
        for task, bend in enumerate(bends)
        for policy, solver, rmse in (("flow", "euler", bend), ("ddim", "ddim", 0.2))
    ]
    assert judged(STRAIGHT, qualities=qualities).verdict == verdict


def test_training_is_denied_by_an_equal_and_never_shown(episodes: Episodes) -> None:
    flow = episodes("flow", 10, 240)
    assert judged(TRAINS, flow + episodes("ddim", 10, 240, solver="ddim")).verdict == REFUTED
    assert judged(TRAINS, flow + episodes("ddim", 10, 100, solver="ddim")).verdict == OPEN


@pytest.mark.parametrize(("jerk", "verdict"), [(30.0, SUPPORTED), (60.0, REFUTED), (None, OPEN)])
def test_smoother(jerk: float | None, verdict: str, episodes: Episodes) -> None:
    tokens = episodes("rt1", 0, 10, 20, solver="none", jerk_m_s3=45.0)
    claim = judged(SMOOTH, tokens + episodes("pi0", 10, 10, 20, jerk_m_s3=jerk))
    assert claim.verdict == verdict


@pytest.mark.parametrize(
    ("zero", "n", "verdict"), [(239, 300, SUPPORTED), (150, 300, REFUTED), (14, 20, OPEN)]
)
def test_zero_noise(zero: int, n: int, verdict: str, episodes: Episodes) -> None:
    noise = 240 if n == 300 else 16
    records = episodes("pi0_zero", 10, zero, n) + episodes("pi0", 10, noise, n)
    assert judged(ZERO, records).verdict == verdict


def test_other_worlds_say_nothing(make_cell: Cells, make_record: Callable[..., Record]) -> None:
    records = [
        make_record(make_cell(e, steps=k, engine="pybullet")) for k in (5, 10) for e in range(300)
    ]
    assert judged(FIVE, records).verdict == OPEN


def test_standing_still_is_not_smooth(episodes: Episodes) -> None:
    """The failures of the tokens hardly move, so that only a mean over them is small."""
    flow = episodes("pi0", 10, 20, 20, jerk_m_s3=40.0)
    won = episodes("rt1", 0, 10, 10, solver="none", jerk_m_s3=45.0)
    lost = episodes("rt1", 0, 0, 20, solver="none", jerk_m_s3=1.0)[10:]
    claim = judged(SMOOTH, flow + won + lost)
    assert claim.verdict == SUPPORTED
    assert (
        claim.measured[0]
        == "jerk where both succeed, pi0 over rt1: 0.89 [0.89, 0.89], n = 10 episodes."
    )


def test_both_trainings_are_asked(episodes: Episodes) -> None:
    records = episodes("flow", 10, 240) + episodes("flow/seed1", 10, 240)
    records += episodes("sde", 10, 100, solver="ddim")
    records += episodes("sde/seed1", 10, 240, solver="ddim")
    claim = judged(TRAINS, records)
    assert claim.verdict == REFUTED
    assert claim.measured[1].startswith(
        "flow/seed1 with 10 steps less sde/seed1 with 10 steps of ddim"
    )


def test_a_file_of_claims_that_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE
    for text, said in (("x =", "claims.toml: "), ('[[claim]]\njudge = "as god"', '"as good"?')):
        path.write_text(text)
        with pytest.raises(UsageError, match=r"claims\.toml") as error:
            questions(path)
        assert said in str(error.value)
