"""How noise becomes data: x_t = alpha(t) data + sigma(t) noise. t = 0 is noise, t = 1 data."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor


class NoiseSchedule(ABC):
    """A Gaussian path, by its two coefficients and their derivatives.

    Attributes:
        starts_in_noise: True when there is no trace of the data at t = 0.
    """

    starts_in_noise = False

    @abstractmethod
    def coefficients(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Alpha and sigma at times in [0, 1], shaped like them."""

    @abstractmethod
    def derivatives(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Their derivatives with respect to time."""


class Linear(NoiseSchedule):
    """x_t = t data + (1 - t) noise. Source: Lipman et al. 2023, eq. 23, sigma_min = 0."""

    starts_in_noise = True

    def coefficients(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `NoiseSchedule`."""
        return time, 1 - time

    def derivatives(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `NoiseSchedule`."""
        return torch.ones_like(time), -torch.ones_like(time)


class _Preserving(NoiseSchedule):
    """A path whose squared coefficients sum to 1, given by the logarithm of alpha.

    Near t = 1 sigma's derivative is infinite; it is taken where sigma is at least 1e-3.
    """

    @abstractmethod
    def log_alpha(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithm of alpha, and its derivative with respect to time."""

    def coefficients(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `NoiseSchedule`."""
        log, _ = self.log_alpha(time)
        return log.exp(), torch.expm1(2 * log).abs().sqrt()

    def derivatives(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `NoiseSchedule`."""
        alpha, sigma = self.coefficients(time)
        d_alpha = self.log_alpha(time)[1] * alpha
        return d_alpha, -alpha * d_alpha / sigma.clamp(min=1e-3)


class SquaredCosine(_Preserving):
    """The squared-cosine schedule over 100 levels, level k at t = 1 - (k + 1) / 100.

    Between the levels it is the cosine itself; the last level's beta is capped at 0.999, which
    bounds alpha from below. Source: Nichol and Dhariwal 2021, eq. 17, as in diffusers'
    `squaredcos_cap_v2`.
    """

    LEVELS, _SHIFT, _CAP = 100, 0.008, 0.999

    def log_alpha(self, time: Tensor) -> tuple[Tensor, Tensor]:
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

    def log_alpha(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """See `_Preserving`."""
        s, spread = 1 - time, self._MOST - self._LEAST
        return -s.square() * spread / 4 - s * self._LEAST / 2, (s * spread + self._LEAST) / 2


NOISE_SCHEDULES: dict[str, type[NoiseSchedule]] = {
    "linear": Linear,
    "squared_cosine": SquaredCosine,
    "vp": VariancePreserving,
}
