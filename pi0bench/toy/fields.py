"""The problem cut down to the one waypoint at the wall, so that the whole field can be seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from pi0bench.toy import learn, world
from pi0bench.toy.network import Navigator, Velocity
from pi0bench.toy.recipes import Settings, head

TIMES = (0.0, 0.5, 0.9)
CARDS = ("flow", "rectified")
_AT_THE_WALL = slice(world.WAYPOINTS // 2 - 1, world.WAYPOINTS // 2)
_SHOWN, _STEPS = 200, 100
_GRID, _REACH = 13, 0.47


@dataclass(frozen=True)
class Field:
    """A head's field for one waypoint, all in the room's own lengths.

    Attributes:
        card: the policy whose head it is.
        places: a grid, (G, 2).
        arrows: the field there at each of `TIMES`, (T, G, 2).
        lines: where points go from noise to data, (steps + 1, N, 2).
        jump: where one Euler step takes them, (N, 2).
    """

    card: str
    places: world.Numbers
    arrows: world.Numbers
    lines: world.Numbers
    jump: world.Numbers


def learn_fields(settings: Settings) -> list[Field]:
    """Train flow, and rectified flow on what it makes, for the one waypoint, half as long."""
    settings = replace(settings, fit_steps=max(1, settings.fit_steps // 2))
    lessons, scale = learn.demonstrated(settings, _AT_THE_WALL)
    flow = learn.train(head(CARDS[0]), scale, lessons, settings)
    rectified = learn.train(head(CARDS[1]), scale, learn.pairs(flow, settings), settings)
    pairs = zip(CARDS, (flow, rectified), strict=True)
    return [_field(card, network, settings) for card, network in pairs]


@torch.inference_mode()
def _field(card: str, network: Navigator, settings: Settings) -> Field:
    """What a trained head does when it starts at `START`."""
    side = torch.linspace(0.5 - _REACH, 0.5 + _REACH, _GRID)
    places = torch.cartesian_prod(side, side)[:, None]
    numbers = network.scale.normalise(places)
    velocity = network.velocity(_from_start(len(places)))
    arrows = [network.scale.scale * velocity(numbers, time) for time in TIMES]
    noise = learn.noise(_SHOWN, network, settings.seed, "field")()
    velocity = network.velocity(_from_start(_SHOWN))
    lines = [network.scale.restore(x) for x in (noise, *_walk(velocity, noise, _STEPS))]
    jump = network.scale.restore(_walk(velocity, noise, 1)[0])
    return Field(card, _plain(places), _plain(torch.stack(arrows)), _stack(lines), _plain(jump))


def _from_start(count: int) -> Tensor:
    return torch.tensor(world.START).expand(count, 2)


def _walk(velocity: Velocity, x: Tensor, steps: int) -> list[Tensor]:
    """Where so many Euler steps lead, one after the other."""
    places = []
    for i in range(steps):
        x = x + velocity(x, i / steps) / steps
        places.append(x)
    return places


def _stack(places: list[Tensor]) -> world.Numbers:
    return _plain(torch.stack(places))


def _plain(places: Tensor) -> world.Numbers:
    """Paths of one waypoint (…, 1, 2) as points, (…, 2)."""
    return np.asarray(places.squeeze(-2).double().numpy())
