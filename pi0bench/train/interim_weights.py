"""What is done with a network's averaged weights while it is trained: measured, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MEASURE_EVERY = 250  # steps between two looks at what is held out
_PARTS = (8, 4, 2)  # weights are kept when an eighth, a quarter and half of the steps are taken

Measure = Callable[[Any], Mapping[str, float]]
"""Numbers of a network, such as of what is held out; only its mode may change."""

Keep = Callable[[int, Any], None]
"""Stores a network as it is after so many steps."""


@dataclass(frozen=True)
class Interim:
    """What is done with a network that has the averaged weights, before training ends.

    Attributes:
        names: of the numbers.
        measure: finds them, every 250 steps and at the last.
        keep: stores it at an eighth, a quarter and half of the steps.
    """

    names: Sequence[str] = ()
    measure: Measure | None = None
    keep: Keep | None = None

    def due(self, step: int, steps: int) -> bool:
        """Whether there is something to do after so many of the steps."""
        measures = self.measure is not None and _measured(step, steps)
        return measures or (self.keep is not None and _kept(step, steps))

    def look(self, step: int, steps: int, network: Any) -> Mapping[str, float]:
        """Do what is due, and return the numbers, if there are any."""
        if self.keep is not None and _kept(step, steps):
            self.keep(step, network)
        if self.measure is not None and _measured(step, steps):
            return self.measure(network)
        return {}


def _measured(step: int, steps: int) -> bool:
    return step == steps or step % MEASURE_EVERY == 0


def _kept(step: int, steps: int) -> bool:
    return step in {steps // part for part in _PARTS}
