"""Policies that learn nothing: what every number of a learned policy is read against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pi0bench.policy.policy_protocol import Observation, Plan, Traits
from pi0bench.policy_role import Role

_EXECUTE, _CHUNK = 8, 16


class Expert:
    """Acts on the simulator's state as the scripted demonstrator does: the bound from above."""

    name = "expert"
    traits = Traits(control_hz=0, execute=1, role=Role.PRIVILEGED)

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
    """Draws every action uniformly between the least and the greatest."""

    name = "random"
    traits = Traits(execute=_EXECUTE, horizon=_CHUNK, role=Role.CONTROL)

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """Draw actions, (B, 16, A)."""
        rows = zip(observations, noise, strict=True)
        return Plan(np.stack([rng.uniform(o.low, o.high, (_CHUNK, len(o.low))) for o, rng in rows]))


class Zero:
    """Every number of an action is 0: a robot stays where it is, its gripper half open."""

    name = "zero"
    traits = Traits(execute=_EXECUTE, horizon=_CHUNK, role=Role.CONTROL)

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """Plan nothing, (B, 16, A)."""
        return Plan(np.zeros((len(observations), _CHUNK, len(observations[0].low))))


def _expert_action(observation: Observation) -> np.ndarray:
    if observation.expert_action is None:
        raise ValueError("the expert needs an observation that carries its action")
    return observation.expert_action()
