"""A policy of one's own: it steers by the named colour in the wrist camera's picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pi0bench.policy.policy_protocol import Observation, Plan, Traits

CHANNELS = {"red": 0, "green": 1, "blue": 2}


class Servo:
    """Looks again after every second action."""

    name, traits = "servo", Traits(image_side=64, execute=2)

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """The same action twice for each observation."""
        return Plan(np.stack([np.tile(act(seen), (2, 1)) for seen in observations]))


def act(seen: Observation) -> np.ndarray:
    """One action, (7,): towards the colour's centre, and down once it is in the middle."""
    channel = next(CHANNELS[word] for word in seen.instruction.split() if word in CHANNELS)
    picture = seen.images["wrist"].astype(float)
    others = np.delete(picture, channel, axis=2).max(axis=2)
    rows, columns = np.nonzero(picture[..., channel] > 1.5 * others + 20)
    if not len(rows):
        return np.array([0, 0, 0.5, 0, 0, 0, 1])  # up, where more can be seen
    ahead, left = 0.6 - rows.mean() / 63, 0.5 - columns.mean() / 63
    cos, sin = seen.proprio[3:5]
    x, y = cos * ahead - sin * left, sin * ahead + cos * left
    down = -0.5 if abs(ahead) + abs(left) < 0.15 else 0.0
    return np.array([2 * x, 2 * y, down, 0, 0, 0, 0.2]).clip(-1, 1)
