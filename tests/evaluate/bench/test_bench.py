from __future__ import annotations

import pytest

from pi0bench.cli import main
from pi0bench.errors import UsageError
from pi0bench.evaluate.bench.costs import Costs
from pi0bench.evaluate.bench.efficiency import Efficiency, efficiency
from pi0bench.evaluate.bench.overhead import overhead
from pi0bench.evaluate.bench.show import sentences
from pi0bench.evaluate.bench.split import SHARES, Split
from pi0bench.evaluate.cells import Settings
from pi0bench.records.record import Cell, Record

COSTS = Costs(0.04, {"front": 1.0, "wrist": 3.0}, {"eyes": 5.0, "prefix": 2.0}, 1.5, 8)


def record(length: int, replans: int, evaluations: int) -> Record:
    cell = Cell("pi0", "ab", "stack", "cd", "mujoco", "gl", "nominal", 0, length, 10, "euler")
    return Record(cell, "failure", length, None, 0.0, "", replans, evaluations)


RECORDS = [record(80, 10, 100), record(120, 15, 150)]


def test_the_limit_is_what_the_records_take_at_least() -> None:
    assert COSTS.simulation_s(RECORDS) == pytest.approx(200 * 25 * 0.04e-3)
    assert COSTS.rendering_s(RECORDS) == pytest.approx(25 * 4e-3)
    assert COSTS.policy_s(RECORDS) == pytest.approx(25 * 7e-3 + 250 * 1.5e-3)
    assert COSTS.least_s(RECORDS) == pytest.approx(0.2 + 0.1 + 0.55)


def test_a_plan_without_a_sampler_counts_as_one_evaluation() -> None:
    costs = Costs(0.0, {}, {}, 2.0, 8)
    assert costs.policy_s([record(80, 10, 0)]) == pytest.approx(0.02)


def test_the_efficiency_is_real_over_possible_throughput() -> None:
    spent = {account: 0.1 for accounts in SHARES.values() for account in accounts}
    split = Split(RECORDS, spent)
    found = Efficiency(Settings(("pi0",), ("stack",)), 2, COSTS, split, RECORDS, 0.5, 4.0)
    assert found.least_s == pytest.approx(0.425)
    assert found.limit_hz == pytest.approx(2 / 0.425)
    assert found.throughput_hz == 4.0
    assert found.eta == pytest.approx(0.85)
    assert found.processor_eta == pytest.approx(0.85 / split.total_s)
    assert found.bound == "policy"
    assert "Policy-bound" in sentences(found)[0]
    assert "0.85 by the clock" in sentences(found)[2]


def test_a_small_bench_adds_up() -> None:
    settings = Settings(("pi0",), ("reach_cube",), renderer="tiny", episodes=3)
    found = efficiency(settings, workers=1, batch=2)
    assert len(found.records) == len(found.split.records) == 3
    spent = found.split.spent_s
    assert list(spent) == [account for accounts in SHARES.values() for account in accounts]
    assert all(took_s >= 0 for took_s in spent.values())
    assert all(spent[name] > 0 for name in ("engine", "frames", "plans", "latency", "store"))
    assert 0 < found.processor_eta < 1.1
    assert set(found.costs.frame_ms) == {"front", "wrist"}
    assert found.costs.step_ms > 0


def test_the_harness_alone_is_light() -> None:
    found = overhead(episodes=40)
    assert found.steps == 40 * 200
    # Far above what a quiet machine takes: a gate against blunders that holds on a busy one.
    assert 0 < found.step_us < 300
    assert found.grown_mb < 8


def test_too_few_episodes_for_the_workers_are_refused() -> None:
    settings = Settings(("zero",), ("reach_cube",), renderer="tiny", episodes=1)
    with pytest.raises(UsageError, match="1 are too few for 2 workers"):
        efficiency(settings, workers=2, batch=8)


def test_the_command_prints_all_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pi0bench.evaluate.bench.overhead.overhead", lambda: overhead(episodes=16))
    args = "bench --policy random --task reach_cube --episodes 2 --renderer tiny --workers 1"
    assert main(args.split()) == 0
    printed = capsys.readouterr().out
    for words in ("physics step", "simulation", "policy", "harness", "X* =", "Efficiency:"):
        assert words in printed
    assert "Harness alone:" in printed


def test_a_wrong_name_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--policy", "pi1"]) == 2
    assert 'no policy "pi1"' in capsys.readouterr().err
