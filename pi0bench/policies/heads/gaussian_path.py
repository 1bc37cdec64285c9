"""Flow matching, diffusion and their kin: one head with four choices.

The path, what the network predicts, which noise belongs to which data, and the sampler.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.errors import UsageError, unknown
from pi0bench.policies.heads.field import Estimate
from pi0bench.policies.heads.head import Context, Draw, Head, Target
from pi0bench.policies.heads.paths import PATHS, Path
from pi0bench.policies.heads.samplers import SAMPLERS
from pi0bench.policies.heads.times import TIME_LAWS
from pi0bench.policies.observe import ActionSpace

PERIODS = (4e-3, 4.0)
TARGETS = ("velocity", "noise", "data")
COUPLINGS = ("independent", "reflow", "from_nothing")
STARTS = ("noise", "zero")


class GaussianPathHead(Head):
    """Predicts what leads from noise to data along a Gaussian path.

    Args:
        space: of the actions.
        width: W.
        path: a name in `PATHS`.
        target: what the network predicts, one of `TARGETS`.
        times: a name in `TIME_LAWS`.
        coupling: "independent", any noise for any data; "reflow", the noise from which a teacher
            made the data (Liu et al. 2023, "rectified flow"); "from_nothing", zeros in place of
            noise at t = 0.
        teacher: of reflow, a policy; only training asks it.
        sampler: the default, a name in `SAMPLERS`.
        steps: of the sampler, unless told otherwise.
        start: "noise", or "zero" for samples that start from zeros: a control, since that is no
            draw from where the path starts.

    Raises:
        UsageError: a name is unknown, or a sampler does not go with the path or the times.
    """

    def __init__(
        self,
        space: ActionSpace,
        width: int,
        *,
        path: str = "linear",
        target: str = "velocity",
        times: str = "uniform",
        coupling: str = "independent",
        teacher: str = "",
        sampler: str = "euler",
        steps: int = 10,
        start: str = "noise",
    ) -> None:
        super().__init__(space, width)
        for option, name, known in (
            ("path", path, PATHS),
            ("target", target, TARGETS),
            ("times", times, TIME_LAWS),
            ("coupling", coupling, COUPLINGS),
            ("sampler", sampler, SAMPLERS),
            ("start", start, STARTS),
        ):
            if name not in known:
                raise UsageError(f"head.{option}: {unknown(option, name, known)}")
        if (coupling == "reflow") != bool(teacher):
            raise UsageError("head.teacher: reflow has a teacher, and nothing else has one")
        self.path, self.target, self.coupling = PATHS[path](), target, coupling
        self.times, self.start = TIME_LAWS[times], start
        fits = [name for name in SAMPLERS if _goes(name, self.path, times)]
        if sampler not in fits:
            raise UsageError(
                f'head.sampler: "{sampler}" does not go with path "{path}" and times "{times}"; '
                f"these do: {', '.join(fits)}"
            )
        fixed = SAMPLERS[sampler].fixed is not None
        self.solvers = () if fixed else (sampler, *(name for name in fits if name != sampler))
        self.fixed, self.steps = (sampler, 0) if fixed else ("", steps)
        self.action_in = nn.Linear(space.dim, width)
        self.time_in = nn.Linear(2 * width, width)
        self.time_out = nn.Linear(width, width)
        self.action_out = nn.Linear(width, space.dim)

    def embed(self, x: Tensor, time: Tensor) -> Tensor:
        """Points on the path (B, H, A) at times (B,) to action tokens (B, H, W)."""
        actions = self.action_in(x)
        times = embed_time(time, self.width).to(actions.dtype)[:, None].expand_as(actions)
        return self.time_out(functional.silu(self.time_in(torch.cat([actions, times], dim=-1))))

    def predict(self, context: Context, x: Tensor, time: Tensor) -> Tensor:
        """What the network says of x (B, H, A) at times (B,): its target, (B, H, A)."""
        return self.action_out(context.evaluate(self.embed(x, time)))

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Weighted mean squared error of the prediction over valid steps and draws."""
        data = target.actions.repeat_interleave(draws, 0)
        time = self.times.draw(len(data), generator).to(data)
        if self.coupling == "reflow":
            if target.noise is None:
                raise UsageError("head.coupling: reflow learns from a teacher's pairs; none came")
            noise = target.noise.repeat_interleave(draws, 0)
        else:
            noise = torch.randn(data.shape, generator=generator, device=generator.device).to(data)
        at = time[:, None, None]
        if self.coupling == "from_nothing":
            noise = noise * (at > 0)
        (signal, level), (rise, fall) = self.path.coefficients(at), self.path.slopes(at)
        wanted = {"data": data, "noise": noise, "velocity": rise * data + fall * noise}
        guess = self.predict(context.repeat(draws), signal * data + level * noise, time)
        counts = target.valid.repeat_interleave(draws, 0)[..., None]
        error = (guess - wanted[self.target]).square() * self.times.weight(at)
        error = error.masked_fill(~counts, 0)
        return error.sum() / (counts.sum() * data.shape[-1]).clamp(min=1)

    def sample(self, context: Context, draw: Draw, steps: int, solver: str) -> Tensor:
        """From noise to actions, (B, H, A)."""
        sampler = SAMPLERS[self.fixed or solver]
        source = draw if self.start == "noise" else (lambda: torch.zeros_like(draw()))
        return sampler(ActionField(self, context), source, max(steps, 1))


@dataclass(frozen=True)
class ActionField:
    """A trained head's network on its path, for samplers."""

    head: GaussianPathHead
    context: Context

    @property
    def path(self) -> Path:
        """The head's path."""
        return self.head.path

    def at(self, time: float) -> tuple[Tensor, Tensor]:
        """Signal and noise level at a time, scalars."""
        return self.path.coefficients(torch.full((), time, device=self.context.state.device))

    def __call__(self, x: Tensor, time: float) -> Estimate:
        """One evaluation.

        Data is kept within the actions' bounds where it is not predicted as a velocity: from
        noise it follows by a division by the signal, which is small at first.
        """
        guess = self.head.predict(self.context, x, x.new_full((len(x),), time))
        signal, level = self.at(time)
        rise, fall = self.path.slopes(torch.full_like(signal, time))
        if self.head.target == "velocity":
            turn = signal * fall - level * rise
            return Estimate(
                (fall * x - level * guess) / turn, (signal * guess - rise * x) / turn, guess
            )
        data = (x - level * guess) / signal if self.head.target == "noise" else guess
        least, most = (bound.to(x) for bound in self.head.space.bounds)
        data = data.clamp(least, most)
        noise = (x - signal * data) / level.clamp(min=1e-3)
        return Estimate(data, noise, rise * data + fall * noise)


def _goes(sampler: str, path: Path, times: str) -> bool:
    """Whether a sampler can be used on a path by a network trained at these times."""
    kind = SAMPLERS[sampler]
    if (times == "two_point") != (kind.fixed is not None):
        return False
    return not (kind.needs_signal and path.starts_in_noise)


def embed_time(time: Tensor, width: int) -> Tensor:
    """Sines and cosines of the published time s = 1 - t, (B,) to (B, W) in float64.

    The periods are geometric, from 4e-3 to 4; in float32 the largest argument, 2π/4e-3, would
    lose three digits. Source: openpi, `create_sinusoidal_pos_embedding`.
    """
    fraction = torch.linspace(0, 1, width // 2, dtype=torch.float64, device=time.device)
    period = PERIODS[0] * (PERIODS[1] / PERIODS[0]) ** fraction
    angle = (1 - time.double())[:, None] * (2 * math.pi / period)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
