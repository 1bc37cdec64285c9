"""From a robot's numbers to a checkpoint's and back: deltas, normalisation, padding.

The order is openpi's: actions become differences to the state, are normalised, then padded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi0bench.errors import UsageError, unknown

Array = NDArray[np.float64]
MODES = ("z_score", "quantile", "identity")


@dataclass(frozen=True, eq=False)
class Normalisation:
    """How numbers become the network's: by mean and spread, or by quantiles to [-1, 1].

    Attributes:
        mode: one of `MODES`.
        low: the mean, or the 1st percentile, (N,).
        high: the standard deviation, or the 99th percentile, (N,).
        eps_in: added to what is divided by.
        eps_out: added to what is multiplied by; LeRobot adds nothing there.

    Raises:
        UsageError: there is no such mode.
    """

    mode: str
    low: Array
    high: Array
    eps_in: float = 1e-6
    eps_out: float = 1e-6

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(unknown("normalisation", self.mode, MODES))

    def normalise(self, numbers: Array) -> Array:
        """(…, N) to (…, N)."""
        if self.mode == "identity":
            return numbers
        if self.mode == "z_score":
            return (numbers - self.low) / (self.high + self.eps_in)
        return 2 * (numbers - self.low) / (self.high - self.low + self.eps_in) - 1

    def unnormalise(self, numbers: Array) -> Array:
        """The inverse, but for what is added."""
        if self.mode == "identity":
            return numbers
        if self.mode == "z_score":
            return self.low + numbers * (self.high + self.eps_out)
        return self.low + (numbers + 1) / 2 * (self.high - self.low + self.eps_out)


@dataclass(frozen=True, eq=False)
class Transforms:
    """All that lies between a robot and a checkpoint.

    Attributes:
        state: of the state, whose numbers there are as many of as its arrays have.
        actions: of the actions, likewise.
        delta: which of the actions are differences to the state, one for each of the first ones.
        dim: numbers of a padded state and action.
    """

    state: Normalisation
    actions: Normalisation
    delta: tuple[bool, ...] = ()
    dim: int = 32

    def state_in(self, state: Array) -> NDArray[np.float32]:
        """A robot's state, (N,), normalised and padded, (dim,)."""
        return _padded(self.state.normalise(state), self.dim)

    def actions_in(self, actions: Array, state: Array) -> NDArray[np.float32]:
        """A robot's actions, (H, N), as the network knows them, (H, dim)."""
        return _padded(self.actions.normalise(actions - self._base(actions, state)), self.dim)

    def actions_out(self, numbers: NDArray[np.float32], state: Array) -> Array:
        """The network's actions, (H, dim), as the robot's, (H, N)."""
        own = self.actions.unnormalise(numbers[:, : len(self.actions.low)].astype(np.float64))
        return own + self._base(own, state)

    def _base(self, actions: Array, state: Array) -> Array:
        """What the actions are differences to, (N,)."""
        base = np.zeros(actions.shape[-1])
        told = np.flatnonzero(self.delta)
        base[told] = state[told]
        return base


def _padded(numbers: Array, dim: int) -> NDArray[np.float32]:
    """Zeros behind the numbers, (…, N) to (…, dim)."""
    lacking = dim - numbers.shape[-1]
    if lacking < 0:
        raise ValueError(f"{numbers.shape[-1]} numbers do not fit into {dim}")
    edge = [(0, 0)] * (numbers.ndim - 1) + [(0, lacking)]
    return np.pad(numbers, edge).astype(np.float32)
