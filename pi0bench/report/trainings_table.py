"""Policies over their trainings, for a reader: a row each, and what the numbers rest on."""

from __future__ import annotations

from collections.abc import Sequence

from pi0bench.report.headline_table import WORLD, who
from pi0bench.report.number_format import (
    NOTHING,
    in_markdown,
    markdown_table,
    percent,
    percents,
    points,
    whole,
)
from pi0bench.report.over_trainings import Trained

TITLE = "Over trainings"
BEHIND, EACH, DUE = "points below the best", "each, %", "due to training"
NAMES = (*WORLD, "policy", "solver", "steps", "trainings", EACH, "mean", BEHIND, DUE)
"""Of the columns; the first six say who it is."""

NOTE = (
    "[low, high] are 95 % intervals over trainings and start states, which are crossed (Searle, "
    "Casella and McCulloch 1992), and so are about the next training; n = {n} start states each. "
    "Due to training is the share of the variance of the mean that trainings make. Points below "
    "the best of the same world are on what both have; who does not compete has none."
)


def cells(of: Trained) -> list[str]:
    """What is said of a policy, under `NAMES`."""
    return [
        *of.condition.world,
        *who(of.condition),
        str(len(of.rates)),
        ", ".join(map(whole, of.rates)),
        f"{percent(of.rate)} {percents(of.interval)}",
        NOTHING if of.behind is None else points(of.behind),
        percent(of.of_training),
    ]


def note(found: Sequence[Trained]) -> str:
    """What the numbers of the table rest on."""
    counts = sorted({of.n for of in found})
    return NOTE.format(n=counts[0] if len(counts) == 1 else f"{counts[0]} to {counts[-1]}")


def trainings_markdown(found: Sequence[Trained], level: str = "##") -> list[str]:
    """A table and a note under a title; nothing where no policy has several trainings."""
    if not found:
        return []
    table = markdown_table(list(NAMES), [cells(of) for of in found], words=5)
    return [f"{level} {TITLE}", table, in_markdown(note(found))]
