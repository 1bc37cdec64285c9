"""Samplers that estimate data and noise and mix them anew, from t = 0 to t = 1 in equal steps."""

from __future__ import annotations

import torch
from torch import Tensor

from pi0bench.policy.heads.denoiser import Denoiser
from pi0bench.policy.heads.head import NoiseSource
from pi0bench.policy.heads.noise_schedules import NoiseSchedule
from pi0bench.policy.heads.time_sampling import SECOND_PASS


def ddim(denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int) -> Tensor:
    """Data and noise are estimated and mixed anew for the next time; nothing is drawn on the way.

    On the linear path this is `euler`. Source: Song et al. 2021 ("DDIM"), eq. 12, nothing random.
    """
    x = noise()
    for i in range(steps):
        now = denoise(x, i / steps)
        alpha, sigma = schedule.coefficients(x.new_full((), (i + 1) / steps))
        x = alpha * now.data + sigma * now.noise
    return x


def ddpm(denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int) -> Tensor:
    """Ancestral sampling: like `ddim`, but a part of the noise is drawn anew at each step.

    The part is the posterior's variance ("fixed small"). Source: Ho et al. 2020, eq. 7.
    """
    x = noise()
    for i in range(steps):
        now = denoise(x, i / steps)
        alpha, sigma = schedule.coefficients(x.new_full((), (i + 1) / steps))
        if i + 1 == steps:
            return alpha * now.data + sigma * now.noise
        alpha_now, sigma_now = schedule.coefficients(x.new_full((), i / steps))
        fresh = (1 - (alpha_now * sigma / (alpha * sigma_now)) ** 2).clamp(0, 1)
        fresh = sigma * fresh.sqrt()
        x = alpha * now.data + (sigma**2 - fresh**2).clamp(min=0).sqrt() * now.noise
        x = x + fresh * noise()
    return x


def dpm(denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int) -> Tensor:
    """DPM-Solver++(2M): exact for data that is linear in the logarithmic signal-to-noise ratio.

    The first and the last step are of order one. Source: Lu et al. 2022, algorithm 2.
    """
    x = noise()
    earlier: Tensor | None = None
    stride = torch.zeros(())
    for i in range(steps):
        data = denoise(x, i / steps).data
        alpha, sigma = schedule.coefficients(x.new_full((), i / steps))
        next_alpha, next_sigma = schedule.coefficients(x.new_full((), (i + 1) / steps))
        before, stride = stride, (next_alpha / next_sigma).log() - (alpha / sigma).log()
        guess = data
        if earlier is not None and stride.isfinite():
            guess = data + (data - earlier) * stride / (2 * before)
        x = next_sigma / sigma * x - next_alpha * torch.expm1(-stride) * guess
        earlier = data
    return x


def reverse_sde(
    denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int
) -> Tensor:
    """Euler-Maruyama on the reverse-time diffusion; the last step adds no noise.

    Source: Song et al. 2021 ("score-based generative modeling"), eq. 6.
    """
    x = noise()
    for i in range(steps):
        now, time = denoise(x, i / steps), x.new_full((), i / steps)
        (alpha, sigma), (d_alpha, d_sigma) = schedule.coefficients(time), schedule.derivatives(time)
        strength = 2 * sigma * (d_alpha / alpha * sigma - d_sigma)  # g², the diffusion's rate
        x = x + (now.velocity - strength / (2 * sigma) * now.noise) / steps
        if i + 1 < steps:
            x = x + (strength / steps).sqrt() * noise()
    return x


def one_pass(denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int) -> Tensor:
    """The data that is expected at t = 0."""
    return denoise(noise(), 0.0).data


def two_pass(denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int) -> Tensor:
    """Guess at t = 0, then mend the guess at t = 0.9, where a tenth of the start is left in it.

    From zeros it is the minimal iterative policy, and from noise two-stage denoising. Source: Pan
    et al. 2025 ("Much Ado About Noising").
    """
    first = denoise(noise(), 0.0)
    alpha, sigma = schedule.coefficients(first.data.new_full((), SECOND_PASS))
    return denoise(alpha * first.data + sigma * first.noise, SECOND_PASS).data
