"""Which tasks of robosuite there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SOURCE = "robosuite"


@dataclass(frozen=True)
class Spec:
    """A task.

    Attributes:
        instruction: what is asked.
        max_s: after which an episode ends.
    """

    instruction: str
    max_s: float


SPECS: Mapping[str, Spec] = {
    "Lift": Spec("lift the red cube", 8.0),
    "Stack": Spec("stack the red cube on the green cube", 12.0),
    "PickPlaceCan": Spec("put the can into its bin", 15.0),
    "Door": Spec("open the door", 15.0),
    "NutAssemblySquare": Spec("put the square nut on the square peg", 15.0),
}
