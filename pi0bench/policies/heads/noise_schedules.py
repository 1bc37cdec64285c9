"""How noise becomes data: x_t = signal(t) data + level(t) noise. t = 0 is noise, t = 1 data."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Path(ABC):
    """A Gaussian path, by its two coefficients and their slopes.

    Attributes:
        starts_in_noise: True when there is no trace of the data at t = 0.
    """

    starts_in_noise = False

    @abstractmethod
    def coefficients(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Signal and noise at times in [0, 1], shaped like them."""

    @abstractmethod
    def slopes(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Their derivatives with respect to time."""


class Linear(Path):
    """x_t = t data + (1 - t) noise. Source: Lipman et al. 2023, eq. 23, sigma_min = 0."""

    starts_in_noise = True

    def coefficients(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `Path`."""
        return time, 1 - time

    def slopes(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `Path`."""
        return torch.ones_like(time), -torch.ones_like(time)


class _Preserving(Path):
    """A path whose squared coefficients sum to 1, given by the signal's logarithm.

    Near t = 1 the noise's slope is infinite; it is taken where the noise is at least 1e-3.
    """

    @abstractmethod
    def log_signal(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithm of the signal, and its derivative with respect to time."""

    def coefficients(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `Path`."""
        log, _ = self.log_signal(time)
        return log.exp(), torch.expm1(2 * log).abs().sqrt()

    def slopes(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `Path`."""
        signal, noise = self.coefficients(time)
        rise = self.log_signal(time)[1] * signal
        return rise, -signal * rise / noise.clamp(min=1e-3)


class SquaredCosine(_Preserving):
    """The squared-cosine schedule over 100 levels, level k at t = 1 - (k + 1) / 100.

    Between the levels it is the cosine itself; the last level's beta is capped at 0.999, which
    bounds the signal from below. Source: Nichol and Dhariwal 2021, eq. 17, as in diffusers'
    `squaredcos_cap_v2`.
    """

    LEVELS, _SHIFT, _CAP = 100, 0.008, 0.999

    def log_signal(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `_Preserving`."""
        # In double precision: at t = 0 the cosine cancels to 1e-8.
        angle = (1 - time.double() + self._SHIFT) / (1 + self._SHIFT) * (math.pi / 2)
        full = math.log(math.cos(self._SHIFT / (1 + self._SHIFT) * math.pi / 2))
        last = (1 - 1 / self.LEVELS + self._SHIFT) / (1 + self._SHIFT) * math.pi / 2
        least = math.log(math.cos(last)) - full + 0.5 * math.log(1 - self._CAP)
        log = angle.cos().clamp(min=1e-30).log() - full
        rise = angle.tan() * (math.pi / 2 / (1 + self._SHIFT))
        rise = torch.where(log > least, rise, torch.zeros_like(rise))
        return log.clamp(least, 0).to(time.dtype), rise.to(time.dtype)


class VariancePreserving(_Preserving):
    """The diffusion dx = -β(s)/2 x ds + √β(s) dw, β from 0.1 to 20, with s = 1 - t.

    Source: Song et al. 2021, eq. 33 (appendix C).
    """

    _LEAST, _MOST = 0.1, 20.0

    def log_signal(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `_Preserving`."""
        s, spread = 1 - time, self._MOST - self._LEAST
        return -s.square() * spread / 4 - s * self._LEAST / 2, (s * spread + self._LEAST) / 2


PATHS: dict[str, type[Path]] = {
    "linear": Linear,
    "squared_cosine": SquaredCosine,
    "vp": VariancePreserving,
}
