"""Samplers: from noise at t = 0 to data at t = 1 in equal steps; each declares its order.

They know a path and a network's estimate of data and noise, and nothing of how it was trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pi0bench.errors import UsageError
from pi0bench.policies.heads.head import Draw
from pi0bench.policies.heads.paths import Path


@dataclass(frozen=True)
class Estimate:
    """What a network makes of x at a time: x = signal · data + noise level · noise.

    Attributes:
        data: expected data, shaped like x.
        noise: expected noise.
        velocity: expected dx/dt.
    """

    data: Tensor
    noise: Tensor
    velocity: Tensor


class Field(Protocol):
    """A network on a path."""

    @property
    def path(self) -> Path:
        """The path."""
        ...

    def __call__(self, x: Tensor, time: float) -> Estimate:
        """One evaluation, at one time for all of x, (B, …)."""
        ...

    def at(self, time: float) -> tuple[Tensor, Tensor]:
        """Signal and noise level at a time, scalars."""
        ...


@dataclass(frozen=True)
class Sampler:
    """A way from noise to data.

    Attributes:
        run: field, source of noise and number of steps to data.
        order: its error falls as steps^-order.
        needs_signal: True when it divides by the signal at t = 0.
        fixed: the number of steps it always takes, None when it is free.
    """

    run: Callable[[Field, Draw, int], Tensor]
    order: int
    needs_signal: bool = False
    fixed: int | None = None

    def __call__(self, field: Field, draw: Draw, steps: int) -> Tensor:
        """Data in `steps` equal steps, shaped like what `draw` gives."""
        if steps < 1:
            raise UsageError(f"steps: {steps} is not a number of sampler steps; give 1 or more")
        return self.run(field, draw, steps)


def euler(field: Field, draw: Draw, steps: int) -> Tensor:
    """One evaluation a step, at t = i/steps; t = 1 is never evaluated (π0's sampler)."""
    x = draw()
    for i in range(steps):
        x = x + field(x, i / steps).velocity / steps
    return x


def midpoint(field: Field, draw: Draw, steps: int) -> Tensor:
    """Two evaluations a step, at its start and at its middle."""
    x = draw()
    for i in range(steps):
        half = x + field(x, i / steps).velocity / (2 * steps)
        x = x + field(half, (i + 0.5) / steps).velocity / steps
    return x


def heun(field: Field, draw: Draw, steps: int) -> Tensor:
    """Two evaluations a step, at both its ends. Source: Karras et al. 2022, algorithm 1."""
    x = draw()
    for i in range(steps):
        first = field(x, i / steps).velocity
        second = field(x + first / steps, (i + 1) / steps).velocity
        x = x + (first + second) / (2 * steps)
    return x


def rk4(field: Field, draw: Draw, steps: int) -> Tensor:
    """Four evaluations a step: the classical method. Source: Kutta 1901."""
    x, h = draw(), 1 / steps
    for i in range(steps):
        t = i / steps
        a = field(x, t).velocity
        b = field(x + h / 2 * a, t + h / 2).velocity
        c = field(x + h / 2 * b, t + h / 2).velocity
        d = field(x + h * c, (i + 1) / steps).velocity
        x = x + h / 6 * (a + 2 * b + 2 * c + d)
    return x


def ddim(field: Field, draw: Draw, steps: int) -> Tensor:
    """Data and noise are estimated and mixed anew for the next time; nothing is drawn on the way.

    On the linear path this is `euler`. Source: Song et al. 2021 ("DDIM"), eq. 12, nothing random.
    """
    x = draw()
    for i in range(steps):
        now, (signal, noise) = field(x, i / steps), field.at((i + 1) / steps)
        x = signal * now.data + noise * now.noise
    return x


def ddpm(field: Field, draw: Draw, steps: int) -> Tensor:
    """Ancestral sampling: like `ddim`, but a part of the noise is drawn anew at each step.

    The part is the posterior's variance ("fixed small"). Source: Ho et al. 2020, eq. 7.
    """
    x = draw()
    for i in range(steps):
        now, (signal, noise) = field(x, i / steps), field.at((i + 1) / steps)
        x = signal * now.data + noise * now.noise
        if i + 1 < steps:
            before, noise_before = field.at(i / steps)
            fresh = (1 - (before * noise / (signal * noise_before)) ** 2).clamp(0, 1)
            fresh = noise * fresh.sqrt()
            x = signal * now.data + (noise**2 - fresh**2).clamp(min=0).sqrt() * now.noise
            x = x + fresh * draw()
    return x


def dpm(field: Field, draw: Draw, steps: int) -> Tensor:
    """DPM-Solver++(2M): exact for data that is linear in the logarithmic signal-to-noise ratio.

    The first and the last step are of order one. Source: Lu et al. 2022, algorithm 2.
    """
    x = draw()
    earlier: Tensor | None = None
    stride = torch.zeros(())
    for i in range(steps):
        data = field(x, i / steps).data
        (signal, noise), (next_signal, next_noise) = field.at(i / steps), field.at((i + 1) / steps)
        before, stride = stride, (next_signal / next_noise).log() - (signal / noise).log()
        guess = data
        if earlier is not None and stride.isfinite():
            guess = data + (data - earlier) * stride / (2 * before)
        x = next_noise / noise * x - next_signal * torch.expm1(-stride) * guess
        earlier = data
    return x


def reverse_sde(field: Field, draw: Draw, steps: int) -> Tensor:
    """Euler-Maruyama on the reverse-time diffusion; the last step adds no noise.

    Source: Song et al. 2021 ("score-based generative modeling"), eq. 6.
    """
    x = draw()
    for i in range(steps):
        now, (signal, noise) = field(x, i / steps), field.at(i / steps)
        rise, fall = field.path.slopes(torch.full((), i / steps))
        strength = 2 * noise * (rise / signal * noise - fall)  # g², the diffusion's rate
        x = x + (now.velocity - strength / (2 * noise) * now.noise) / steps
        if i + 1 < steps:
            x = x + (strength / steps).sqrt() * draw()
    return x


def two_pass(field: Field, draw: Draw, steps: int) -> Tensor:
    """Guess from nothing, then mend the guess; deterministic.

    Source: Pan et al. 2025 ("Much Ado About Noising"), minimal iterative policy.
    """
    from pi0bench.policies.heads.times import SECOND_LOOK

    nothing = torch.zeros_like(draw())
    first = field(nothing, 0.0).data
    return field(SECOND_LOOK * first, SECOND_LOOK).data


SAMPLERS: dict[str, Sampler] = {
    "euler": Sampler(euler, order=1),
    "midpoint": Sampler(midpoint, order=2),
    "heun": Sampler(heun, order=2),
    "rk4": Sampler(rk4, order=4),
    "ddim": Sampler(ddim, order=1),
    "ddpm": Sampler(ddpm, order=1),
    "dpm": Sampler(dpm, order=2),
    "reverse_sde": Sampler(reverse_sde, order=1, needs_signal=True),
    "two_pass": Sampler(two_pass, order=1, fixed=2),
}
