"""What one process does: train some heads, one after the other, and sample each in its ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.random_streams import stream
from pi0bench.toy import learn, world
from pi0bench.toy.measure import straightness
from pi0bench.toy.network import Navigator
from pi0bench.toy.recipes import Key, Settings, head, ways_of

_STRAIGHTNESS_STEPS = 50


@dataclass(frozen=True)
class Trained:
    """A trained head, by what it does.

    Attributes:
        card: the policy whose head it is.
        paths: waypoints from `evaluation_starts` in all its ways, (N, H, 2) each.
        passes: of the trunk that each took.
        bends: straightness of its equation from each start, (N,); None without an equation.
    """

    card: str
    paths: Mapping[Key, world.Numbers]
    passes: Mapping[Key, int]
    bends: world.Numbers | None


def evaluation_starts(settings: Settings) -> world.Numbers:
    """Where every way starts, (N, 2)."""
    return world.draw_starts(settings.starts, stream("evaluation", settings.seed, "toy"))


def train_all(cards: Sequence[str], settings: Settings) -> list[Trained]:
    """Train the heads of some cards in this order; one with a teacher follows it."""
    lessons, scale = learn.demonstrated(settings)
    networks: dict[str, Navigator] = {}
    for name in cards:
        table = head(name)
        teacher = networks.get(table.get("teacher", ""))
        shown = lessons if teacher is None else learn.pairs(teacher, settings)
        networks[name] = learn.train(table, scale, shown, settings)
    return [_tried(name, network, settings) for name, network in networks.items()]


def _tried(name: str, network: Navigator, settings: Settings) -> Trained:
    starts = torch.from_numpy(evaluation_starts(settings)).float()
    paths: dict[Key, world.Numbers] = {}
    passes: dict[Key, int] = {}
    for way in ways_of(name):
        for steps in way.steps:
            draw = learn.noise(len(starts), network, settings.seed, "evaluation")
            made = network.sample(starts, draw, steps, way.solver)
            paths[way.name, steps] = network.scale.restore(made.actions).double().numpy()
            passes[way.name, steps] = int(made.evaluations)
    bends = None
    if network.head.solvers and isinstance(network.head, GaussianPathHead):
        draw = learn.noise(len(starts), network, settings.seed, "evaluation")
        with torch.inference_mode():
            velocity = network.velocity(starts)
        bends = straightness(velocity, draw(), _STRAIGHTNESS_STEPS).double().numpy()
    return Trained(name, paths, passes, bends)
