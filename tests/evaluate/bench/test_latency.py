"""A profile of this machine: its parts add up to what was timed, and runs are looked up by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi0bench.cli import main
from pi0bench.evaluate.bench import latency
from pi0bench.evaluate.bench.latency import Plans, profiles
from pi0bench.evaluate.cells import Settings
from pi0bench.report.device_profiles import GUIDED, PARTS, device_profile

FEW = Plans(1, {"replan_ms": [30.0], "eyes_ms": [12.0], "prefix_ms": [6.0], "sampler_ms": [9.0]})
MANY = Plans(10, {"replan_ms": [75.0], "eyes_ms": [12.0], "prefix_ms": [6.0], "sampler_ms": [54.0]})


def test_parts_add_up_to_either_number_of_steps() -> None:
    parts = latency._parts(FEW, MANY, 50)
    assert parts == {
        "step": 5000,
        "eyes": 12_000,
        "prefix": 6000,
        "head": 4000,
        "overhead": 3000,
    }


def test_what_is_rare_is_shared_out_as_usual() -> None:
    times = {name: [*values, *values, 2 * values[0]] for name, values in FEW.times_ms.items()}
    parts = latency._parts(Plans(1, times), MANY, 100)
    assert sum(parts.values()) == pytest.approx(60_000, abs=5)
    assert parts["step"] == round(1000 * 15 / 9)
    assert parts["eyes"] / parts["prefix"] == pytest.approx(2, abs=0.01)


def test_without_steps_an_evaluation_is_the_samplers_time_over_their_number() -> None:
    tokens = Plans(56, {"replan_ms": [90.0], "sampler_ms": [84.0]})
    assert latency._parts(tokens, tokens, 50) == {
        **dict.fromkeys(("eyes", "prefix", "head"), 0),
        "step": 1500,
        "overhead": 6000,
    }


def test_a_profile_of_a_trained_policy_has_all_parts() -> None:
    found = profiles(Settings(("pi0",), ("reach_cube",), renderer="tiny"), plans=9)
    assert [of.statistic for of in found] == ["p50", "p95"]
    for of in found:
        assert of.latency_us.keys() == {*PARTS, GUIDED}
        assert of.latency_us["eyes"] > 0
    usual = found[0].latency_us  # the rare depends on what else the machine does
    assert usual[GUIDED] > usual["step"] > 0


def test_the_command_writes_what_run_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "mine.toml", tmp_path / "run"
    words = ["bench", "--policy", "random", "--task", "reach_cube", "--profile", f"{path}"]
    assert main(words) == 0
    assert "a plan of 10 evaluations" in capsys.readouterr().out
    assert device_profile(f"{path.with_stem('mine-p95')}").statistic == "p95"
    run = ["run", "--policy", "random", "--task", "reach_cube", "--episodes", "1", "--out"]
    assert (
        main([*run, f"{out}", "--clock", "hold", "--delay", "1", "--device-profile", f"{path}"])
        == 0
    )
    assert "pi0bench bench --profile" in (out / "devices.md").read_text()
