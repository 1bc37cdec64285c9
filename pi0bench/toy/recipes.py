"""Which heads the toy trains, how hard, and how each is sampled; they are those of the cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pi0bench.policy.card import read
from pi0bench.policy.policy_folders import folders
from pi0bench.toy import world

STEPS = (1, 2, 5, 10, 100)

Key = tuple[str, int]
"""A way's name and its number of steps."""


@dataclass(frozen=True)
class Settings:
    """What decides the result; the same for every head.

    Attributes:
        seed: of everything random.
        fit_steps: of the optimiser.
        demonstrations: number of them; many, or the network learns by heart who went where.
        pairs: of noise and path that a teacher makes.
        starts: from which each way is measured.
    """

    seed: int = 0
    fit_steps: int = 800
    demonstrations: int = 20_000
    pairs: int = 8_000
    starts: int = 500


@dataclass(frozen=True)
class Way:
    """A way of making paths: one row of the table and of the picture.

    Attributes:
        name: as a reader knows it.
        card: the policy whose head it is, a folder of `policies/`.
        solver: the sampler, "" for a head without one.
        steps: of the sampler; (0,) for a head that takes none.
    """

    name: str
    card: str
    solver: str = ""
    steps: tuple[int, ...] = (0,)


SHOWN = Way("demonstrations", "")
"""What all others are beside: fresh demonstrations from the same starts."""

WAYS = (
    Way("regression", "bc"),
    Way("MIP", "mip"),
    Way("normalizing flow", "nflow"),
    Way("energy score", "energy_score"),
    Way("mixture of Gaussians", "mixture"),
    Way("energy by ranking", "energy_based", "derivative_free", STEPS),
    Way("flow", "flow", "euler", STEPS),
    Way("π0", "pi0", "euler", STEPS),
    Way("rectified flow", "rectified", "euler", STEPS),
    Way("self-consistent", "span", "span", STEPS),
    Way("OFP", "ofp", "span", STEPS),
    Way("shortcut", "shortcut", "span", STEPS),
    Way("MeanFlow", "mean_flow", "span", STEPS),
    Way("improved MeanFlow", "improved_mean_flow", "span", STEPS),
    Way("DDPM", "ddpm", "ddpm", STEPS),
    Way("DDIM", "ddpm", "ddim", STEPS),
    Way("DPM-Solver++", "ddpm", "dpm", STEPS),
    Way("score SDE", "sde", "reverse_sde", STEPS),
    Way("score ODE", "sde", "euler", STEPS),
)

JOBS = (
    ("flow", "rectified"),
    ("improved_mean_flow",),
    ("mean_flow",),
    ("span",),
    ("shortcut",),
    ("ofp",),
    ("nflow",),
    ("sde",),
    ("ddpm",),
    ("pi0",),
    ("energy_score",),
    ("energy_based",),
    ("mip",),
    ("mixture",),
    ("bc",),
)
"""What one process trains, one after the other, the longest first; students follow teachers."""


def head(name: str) -> dict[str, Any]:
    """The `[head]` table of a card; where it makes the beginning of a chunk, it makes all here."""
    table = dict(read(folders()[name]).head)
    if "horizon" in table:
        table["horizon"] = world.WAYPOINTS
    return table


def ways_of(name: str) -> tuple[Way, ...]:
    """The ways to sample one card's head."""
    return tuple(way for way in WAYS if way.card == name)
