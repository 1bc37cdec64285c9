"""A plan as a coarse trajectory: some of its points, joined smoothly, at another control rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from pi0bench.policy.policy_protocol import Observation, Plan, Policy, Traits


class Resampled:
    """A policy whose plans are carried out at another rate than its own, or of fewer points.

    Args:
        policy: that plans at its own rate.
        control_hz: control steps a second of its robot.
        coarsen: of a plan's points only every so many-th is kept.
    """

    def __init__(self, policy: Policy, control_hz: int, coarsen: int) -> None:
        self.name, self._policy = policy.name, policy
        self._hz, self._coarsen = control_hz, coarsen
        self.traits = at_rate(policy.traits, control_hz, coarsen)

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """See `Policy.plan`; `Observation.step` counts control steps, as the traits do."""
        plan = self._policy.plan(observations, noise, steps, solver)
        hz = self._policy.traits.control_hz
        return replace(plan, actions=resampled(plan.actions, hz, self._hz, self._coarsen))


def resample(policy: Policy, control_hz: int, coarsen: int) -> Policy:
    """The policy itself where that is its rate and nothing is left out, else one `Resampled`."""
    its = policy.traits.control_hz
    same = not its or (its == control_hz and coarsen == 1)
    return policy if same else Resampled(policy, control_hz, coarsen)


def at_rate(traits: Traits, control_hz: int, coarsen: int) -> Traits:
    """Traits in control steps of another rate; nothing can guide what is resampled afterwards."""
    if not traits.control_hz:
        return replace(traits, control_hz=control_hz)
    if traits.control_hz == control_hz and coarsen == 1:
        return traits
    each = control_hz / traits.control_hz
    return replace(
        traits,
        control_hz=control_hz,
        execute=max(1, round(traits.execute * each)),
        horizon=int(traits.horizon * each),
        obs_stride=max(1, round(traits.obs_stride * each)),
        guidable=False,
        draws=False,
        prefix_steps=0,
    )


def resampled(
    actions: NDArray[np.float64], from_hz: int, to_hz: int, coarsen: int = 1
) -> NDArray[np.float64]:
    """Plans at another rate, (B, H, A) to (B, H * to_hz // from_hz, A).

    Actions but for the gripper, the last number, are velocities. Their sum is a trajectory, of
    which every `coarsen`-th point is kept, and the last; these are joined by a monotone cubic
    (Fritsch and Carlson 1980). The gripper's command is the one of that moment.

    Args:
        actions: in [-1, 1].
        from_hz: actions a second.
        to_hz: those of what is returned.
        coarsen: points of the trajectory from one that is kept to the next.
    """
    length = actions.shape[1]
    knots = np.unique([*range(0, length, coarsen), length])
    moved = np.cumsum(actions[:, :, :-1], axis=1, dtype=np.float64) / from_hz
    points = np.concatenate([np.zeros_like(moved[:, :1]), moved], axis=1)
    trajectory = PchipInterpolator(knots / from_hz, points[:, knots], axis=1)
    steps = np.arange(length * to_hz // from_hz + 1)
    speeds = np.diff(trajectory(steps / to_hz), axis=1) * to_hz
    grips = actions[:, steps[:-1] * from_hz // to_hz, -1:]
    return np.concatenate([speeds, grips], axis=2)
