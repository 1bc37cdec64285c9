"""A policy with a history: it looks twice, and averages what it planned over the last steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from servo import act

from pi0bench.policy.policy_protocol import Observation, Plan, Traits

CHUNK = 4


class Steady:
    """The servo, with two observations a plan and ACT's temporal ensembling."""

    name, traits = "steady", Traits(image_side=64, n_obs_steps=2, execute=1)

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """One action for each observation; the chunks it was averaged from are remembered."""
        rows, memory = [], []
        for seen in observations:
            now, before = act(seen), act(seen.past[-1])
            chunk = now + np.linspace(0, 0.5, CHUNK)[:, None] * (now - before)
            chunks = [*(seen.memory or []), chunk][-CHUNK:]  # a new list: memories never change
            votes = [old[ago] for ago, old in enumerate(reversed(chunks))]
            weights = np.exp(-0.1 * np.arange(len(votes)))[::-1]  # in ACT the oldest counts most
            rows.append([np.average(votes, axis=0, weights=weights).clip(-1, 1)])
            memory.append(chunks)
        return Plan(np.stack(rows), memory=memory)
