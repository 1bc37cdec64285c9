"""Every policy by its name: the baselines, and one for each folder of trained weights."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pi0bench.content import folder
from pi0bench.errors import UsageError, unknown
from pi0bench.policies import baselines
from pi0bench.policies.policy import Policy

BASELINES: dict[str, Callable[[], Policy]] = {
    "expert": baselines.Expert,
    "random": baselines.Random,
    "zero": baselines.Zero,
}

_SUMMARIES = {
    "expert": "The scripted demonstrator, which sees the simulator's state.",
    "random": "Uniformly random actions.",
    "zero": "Stays where it is.",
}


def names() -> tuple[str, ...]:
    """Names of the policies: baselines first, then the trained ones, sorted."""
    return (*BASELINES, *sorted(_cards().keys() - BASELINES.keys()))


def load(name: str) -> Policy:
    """The policy of that name, with its weights.

    Raises:
        UsageError: no policy has that name, or its card or weights are wrong.
    """
    if name in BASELINES:
        return BASELINES[name]()
    cards = _cards()
    if name not in cards:
        raise UsageError(unknown("policy", name, names()))
    from pi0bench.policies.learned import load_policy

    return load_policy(cards[name].parent)


def summary(name: str) -> str:
    """One line about the policy, from its card; no weights are read."""
    if name in BASELINES:
        return _SUMMARIES.get(name, "")
    card = _card(_cards()[name])
    return "its card cannot be read" if card is None else str(card.get("summary", ""))


def _cards() -> dict[str, Path]:
    """Folder name to card. A broken card counts, so that loading it says what is wrong."""
    return {path.parent.name: path for path in folder("policies").glob("*/policy.toml")}


def _card(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
