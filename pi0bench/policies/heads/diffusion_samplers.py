"""Samplers that estimate data and noise and mix them anew, from t = 0 to t = 1 in equal steps."""

from __future__ import annotations

import torch
from torch import Tensor

from pi0bench.policies.heads.denoiser import Field
from pi0bench.policies.heads.head import Draw
from pi0bench.policies.heads.time_sampling import SECOND_LOOK


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
    nothing = torch.zeros_like(draw())
    first = field(nothing, 0.0).data
    return field(SECOND_LOOK * first, SECOND_LOOK).data
