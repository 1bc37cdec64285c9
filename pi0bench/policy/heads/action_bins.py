"""Actions as tokens by uniform bins. The published rules differ; each is here by its name."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from pi0bench.policy.normalisation import ActionSpace

COUNT = 256
_LEAST_WIDTH = 0.02


class Bins(ABC):
    """Network numbers to bin numbers and back.

    Attributes:
        count: of bins.
    """

    count = COUNT

    def __init__(self, space: ActionSpace) -> None:
        self.space = space

    def range(self) -> tuple[Tensor, Tensor]:
        """Least and greatest number that the bins reach, (A,) each: those of actions -1 and 1."""
        return self.space.bounds

    def encode(self, numbers: Tensor) -> Tensor:
        """Numbers (…, A) to bins (…, A), int64; what is out of range gets the nearest bin."""
        least, most = (end.to(numbers) for end in self.range())
        unit = (numbers.clamp(least, most) - least) / (most - least)
        return self._bin(unit).clamp(0, self.count - 1)

    def decode(self, bins: Tensor) -> Tensor:
        """Bins (…, A) to numbers (…, A)."""
        least, most = (end.to(bins.device) for end in self.range())
        return least + (most - least) * self._unit(bins.clamp(0, self.count - 1))

    @abstractmethod
    def _bin(self, unit: Tensor) -> Tensor:
        """Bin of a number in [0, 1]."""

    @abstractmethod
    def _unit(self, bins: Tensor) -> Tensor:
        """The number in [0, 1] that a bin stands for."""


class Centres(Bins):
    """Truncates onto 255 intervals, as RT-1 does, and stands for their centres."""

    def _bin(self, unit: Tensor) -> Tensor:
        return (unit * (self.count - 1)).long()

    def _unit(self, bins: Tensor) -> Tensor:
        return ((bins + 0.5) / (self.count - 1)).clamp(max=1)


class Rt1(Centres):
    """Stands for the intervals' lower ends: biased by half a bin, 0.0039 of an action.

    A zero becomes a small turn that adds up over an episode, to 0.2 rad of tilt.
    Source: Brohan et al. 2022 (RT-1), `action_tokenizer.py`.
    """

    def _unit(self, bins: Tensor) -> Tensor:
        return bins / (self.count - 1)


class OpenVla(Bins):
    """255 usable bins between the 1st and 99th percentile, and their centres.

    256 edges lie between -1 and 1; a number at the last edge shares the bin below it.
    Source: Kim et al. 2024 (OpenVLA), `action_tokenizer.py`; RT-2's rule with 255 bins.
    """

    def range(self) -> tuple[Tensor, Tensor]:
        """See `Bins`; a dimension that hardly varies gets a least width, or it would explode."""
        low, high = self.space.quantiles
        spare = (_LEAST_WIDTH - (high - low)).clamp(min=0) / 2
        return low - spare, high + spare

    def _bin(self, unit: Tensor) -> Tensor:
        edges = torch.linspace(-1, 1, self.count, dtype=torch.float64, device=unit.device)
        return torch.bucketize(2 * unit.double() - 1, edges, right=True) - 1

    def _unit(self, bins: Tensor) -> Tensor:
        return (bins.clamp(max=self.count - 2) + 0.5) / (self.count - 1)


BINS: dict[str, type[Bins]] = {"centres": Centres, "rt1": Rt1, "openvla": OpenVla}
