"""Policies that learn nothing: what every number of a learned policy is read against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pi0bench.policies.policy import Observation, Plan, Traits

_CHUNK = 8
_ACTION_DIM = 7


class Expert:
    """Acts on the simulator's state as the scripted demonstrator does: the bound from above."""

    name = "expert"
    traits = Traits(execute=1, privileged=True)

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """Plan the expert's next action, (B, 1, 7)."""
        return Plan(np.stack([[_expert_action(obs)] for obs in observations]))


class Random:
    """Draws every action uniformly from [-1, 1]."""

    name = "random"
    traits = Traits(execute=_CHUNK)

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """Draw actions, (B, 8, 7)."""
        return Plan(np.stack([rng.uniform(-1, 1, (_CHUNK, _ACTION_DIM)) for rng in noise]))


class Zero:
    """Stays where it is, its gripper half open: all seven numbers of an action are 0."""

    name = "zero"
    traits = Traits(execute=_CHUNK)

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """Plan nothing, (B, 8, 7)."""
        return Plan(np.zeros((len(observations), _CHUNK, _ACTION_DIM)))


def _expert_action(observation: Observation) -> np.ndarray:
    if observation.expert_action is None:
        raise ValueError("the expert needs an observation that carries its action")
    return observation.expert_action()
