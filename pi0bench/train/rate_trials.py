"""Trials of learning rates: the same for every policy, so that none is better for more tuning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.items import Table

from pi0bench.errors import UsageError
from pi0bench.policy import weights_file
from pi0bench.policy.card import read
from pi0bench.policy.policy_folders import CARD, WEIGHTS, folders
from pi0bench.train.held_out import ACTION_ERROR

PART = 4  # a trial takes one in so many of the policy's steps
WITHIN = 0.02  # of success: trials closer than that are told apart by their held-out error


@dataclass(frozen=True)
class Rates:
    """Learning rates of the two optimisers."""

    lr: float
    muon_lr: float

    def trial(self, policy: str) -> str:
        """The name of a policy with these rates."""
        return f"{policy}_lr{self.lr:g}_muon{self.muon_lr:g}"


@dataclass(frozen=True)
class Outcome:
    """What a trial came to.

    Attributes:
        success: share of the development episodes.
        error: of the actions on held-out demonstrations.
    """

    success: float
    error: float


FIRST = (Rates(3e-3, 1e-3), Rates(3e-3, 3e-3), Rates(3e-3, 1e-2))


def after(first: Rates) -> Rates:
    """The trial that follows when Muon's rate is found: AdamW's slower."""
    return Rates(1e-3, first.muon_lr)


def best(outcomes: Mapping[Rates, Outcome]) -> Rates:
    """The rates that did best; of those within two points of it, whose error is least."""
    top = max(outcome.success for outcome in outcomes.values())
    near = {rates: o for rates, o in outcomes.items() if o.success >= top - WITHIN}
    return min(near, key=lambda rates: near[rates].error)


def write_card(policy: str, rates: Rates, root: Path) -> str:
    """Write the card of a trial into a content folder, and return its name.

    Raises:
        UsageError: the policy has no training of its own, or no trunk, whose matrices Muon trains.
    """
    source = folders()[policy]
    card = read(source)
    if card.same_as or card.trunk is None:
        raise UsageError(f"{policy}: trials are for policies with a trunk and weights of their own")
    text = tomlkit.parse((source / CARD).read_text("utf-8"))
    text.pop("group", None)
    training = text["training"]
    assert isinstance(training, Table)
    steps = max(1, card.training.steps // PART)
    training.update({"steps": steps, "lr": rates.lr, "muon_lr": rates.muon_lr})
    home = root / "policies" / rates.trial(policy)
    home.mkdir(parents=True, exist_ok=True)
    (home / CARD).write_text(tomlkit.dumps(text), "utf-8")
    return home.name


def is_trained(home: Path) -> bool:
    """Whether a folder has weights of its card as it is now."""
    path = home / WEIGHTS
    if not path.exists():
        return False
    return weights_file.read(path)[1]["recipe"]["card"] == (home / CARD).read_text("utf-8")


def held_out_error(home: Path) -> float:
    """The last error of actions that a training measured on held-out demonstrations."""
    measured = weights_file.read(home / WEIGHTS)[1]["recipe"]["measured"]
    return float(measured[ACTION_ERROR][-1][1])
