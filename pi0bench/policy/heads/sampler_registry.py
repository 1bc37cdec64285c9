"""Every sampler by its name; each declares its order and its evaluations a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pi0bench.errors import UsageError
from pi0bench.policy.heads import diffusion_samplers, ode_solvers
from pi0bench.policy.heads.denoiser import Denoiser
from pi0bench.policy.heads.head import NoiseSource, Sampled
from pi0bench.policy.heads.noise_schedules import NoiseSchedule


@dataclass(frozen=True)
class Sampler:
    """A way from noise to data.

    Attributes:
        run: denoiser, noise schedule, source of noise and number of steps to data.
        order: its error falls as steps^-order; 0 where one step stays as long as it is.
        evaluations_a_step: of the denoiser.
        divides_by_alpha: True when it divides by alpha at t = 0.
        evaluates_data: True when it evaluates t = 1, where no noise is left.
        fixed_steps: the number of steps it always takes, None when it is free.
    """

    run: Callable[[Denoiser, NoiseSchedule, NoiseSource, int], Tensor]
    order: int
    evaluations_a_step: int = 1
    divides_by_alpha: bool = False
    evaluates_data: bool = False
    fixed_steps: int | None = None

    def __call__(
        self, denoise: Denoiser, schedule: NoiseSchedule, noise: NoiseSource, steps: int
    ) -> Sampled:
        """Data in so many steps, shaped like what `noise` gives, and the evaluations."""
        if steps < 1:
            raise UsageError(f"steps: {steps} is not a number of sampler steps; give 1 or more")
        taken = self.fixed_steps or steps
        found = self.run(denoise, schedule, noise, taken)
        return Sampled(found, taken * self.evaluations_a_step)


SAMPLERS: dict[str, Sampler] = {
    "euler": Sampler(ode_solvers.euler, order=1),
    "dense_jump": Sampler(ode_solvers.dense_jump, order=0),
    "midpoint": Sampler(ode_solvers.midpoint, order=2, evaluations_a_step=2),
    "heun": Sampler(ode_solvers.heun, order=2, evaluations_a_step=2, evaluates_data=True),
    "rk4": Sampler(ode_solvers.rk4, order=4, evaluations_a_step=4, evaluates_data=True),
    "ddim": Sampler(diffusion_samplers.ddim, order=1),
    "ddpm": Sampler(diffusion_samplers.ddpm, order=1),
    "dpm": Sampler(diffusion_samplers.dpm, order=2),
    "reverse_sde": Sampler(diffusion_samplers.reverse_sde, order=1, divides_by_alpha=True),
    "one_pass": Sampler(diffusion_samplers.one_pass, order=1, fixed_steps=1),
    "two_pass": Sampler(diffusion_samplers.two_pass, order=1, fixed_steps=2),
}
