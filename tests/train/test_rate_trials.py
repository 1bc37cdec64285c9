"""Trials of rates: which there are, which wins, and that a card is changed nowhere else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pi0bench.content import folders
from pi0bench.errors import UsageError
from pi0bench.policy.policy_folders import CARD
from pi0bench.train.rate_trials import FIRST, Outcome, Rates, after, best, is_trained, write_card

SLOW, MIDDLE, FAST = FIRST


def test_the_best_is_the_most_successful_and_of_equals_the_most_exact() -> None:
    outcomes = {
        SLOW: Outcome(0.50, 0.1),
        MIDDLE: Outcome(0.705, 0.3),
        FAST: Outcome(0.72, 0.4),
    }
    assert best(outcomes) == MIDDLE
    assert best({**outcomes, MIDDLE: Outcome(0.69, 0.3)}) == FAST
    assert after(FAST) == Rates(1e-3, FAST.muon_lr)


def test_a_trial_differs_from_the_card_in_rates_and_steps_alone(tmp_path: Path) -> None:
    name = write_card("pi0", Rates(1e-3, 1e-2), tmp_path)
    assert name == "pi0_lr0.001_muon0.01"
    card = tomllib.loads((folders.folder("policies") / "pi0" / CARD).read_text())
    trial = tomllib.loads((tmp_path / "policies" / name / CARD).read_text())
    assert trial["training"]["lr"] == 1e-3
    assert trial["training"]["muon_lr"] == 1e-2
    assert trial["training"]["steps"] == card["training"]["steps"] // 4
    for key in ("lr", "muon_lr", "steps"):
        trial["training"][key] = card["training"][key]
    del card["group"]  # it competes with nobody
    assert trial == card
    assert not is_trained(tmp_path / "policies" / name)


@pytest.mark.parametrize("policy", ["act", "pi0_zero"])
def test_what_has_no_trunk_or_no_weights_of_its_own_is_told(policy: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{policy}: trials are for policies with a trunk"):
        write_card(policy, FIRST[0], tmp_path)
