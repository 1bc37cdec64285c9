"""Every sampler by its name; each declares its order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pi0bench.errors import UsageError
from pi0bench.policies.heads import diffusion_samplers, ode_solvers
from pi0bench.policies.heads.denoiser import Field
from pi0bench.policies.heads.head import Draw


@dataclass(frozen=True)
class Sampler:
    """A way from noise to data.

    Attributes:
        run: field, source of noise and number of steps to data.
        order: its error falls as steps^-order.
        needs_signal: True when it divides by the signal at t = 0.
        asks_end: True when it evaluates t = 1, where a path has no noise left.
        fixed: the number of steps it always takes, None when it is free.
    """

    run: Callable[[Field, Draw, int], Tensor]
    order: int
    needs_signal: bool = False
    asks_end: bool = False
    fixed: int | None = None

    def __call__(self, field: Field, draw: Draw, steps: int) -> Tensor:
        """Data in `steps` equal steps, shaped like what `draw` gives."""
        if steps < 1:
            raise UsageError(f"steps: {steps} is not a number of sampler steps; give 1 or more")
        return self.run(field, draw, steps)


SAMPLERS: dict[str, Sampler] = {
    "euler": Sampler(ode_solvers.euler, order=1),
    "midpoint": Sampler(ode_solvers.midpoint, order=2),
    "heun": Sampler(ode_solvers.heun, order=2, asks_end=True),
    "rk4": Sampler(ode_solvers.rk4, order=4, asks_end=True),
    "ddim": Sampler(diffusion_samplers.ddim, order=1),
    "ddpm": Sampler(diffusion_samplers.ddpm, order=1),
    "dpm": Sampler(diffusion_samplers.dpm, order=2),
    "reverse_sde": Sampler(diffusion_samplers.reverse_sde, order=1, needs_signal=True),
    "two_pass": Sampler(diffusion_samplers.two_pass, order=1, fixed=2),
}
