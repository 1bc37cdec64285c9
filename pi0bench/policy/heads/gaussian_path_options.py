"""What a Gaussian-path method is, apart from its network: the choices of a card's `[head]`."""

from __future__ import annotations

from dataclasses import dataclass

from pi0bench.errors import UsageError, unknown
from pi0bench.policy.heads.noise_schedules import NOISE_SCHEDULES, NoiseSchedule
from pi0bench.policy.heads.sampler_registry import SAMPLERS
from pi0bench.policy.heads.time_sampling import TIME_DISTRIBUTIONS, TimeDistribution

TARGETS = ("velocity", "noise", "data")
COUPLINGS = ("independent", "reflow", "from_nothing", "own_guess")
STARTS = ("noise", "zero")


@dataclass(frozen=True)
class GaussianPathOptions:
    """The noise schedule, what is predicted, which noise belongs to which data, and the sampler.

    Attributes:
        path: a name in `NOISE_SCHEDULES`.
        target: what the network predicts, one of `TARGETS`.
        times: a name in `TIME_DISTRIBUTIONS`.
        coupling: "independent", any noise for any data; "reflow", the noise from which a teacher
            made the data (Liu et al. 2023, "rectified flow"); "from_nothing", zeros in place of
            noise at t = 0, where samples start too; "own_guess", the same, and at t = 0.9 what
            the network guesses from there in place of noised data.
        teacher: of reflow, a policy; only training asks it.
        sampler: the default, a name in `SAMPLERS`.
        steps: of the sampler, unless told otherwise.
        start: "noise", or "zero" for samples that start from zeros: a control, since that is no
            draw from where the path starts.
        prefix: most actions of a chunk that are given while it is learned; of each chunk up to so
            many, the first, stand at t = 1 and do not count, so that a plan can begin with what is
            under way (Black et al. 2025, "training-time real-time chunking").

    Raises:
        UsageError: a name is unknown, a sampler does not go with path, target or times, or the
            prefix is negative.
    """

    path: str = "linear"
    target: str = "velocity"
    times: str = "uniform"
    coupling: str = "independent"
    teacher: str = ""
    sampler: str = "euler"
    steps: int = 10
    start: str = "noise"
    prefix: int = 0

    def __post_init__(self) -> None:
        for option, name, known in (
            ("path", self.path, NOISE_SCHEDULES),
            ("target", self.target, TARGETS),
            ("times", self.times, TIME_DISTRIBUTIONS),
            ("coupling", self.coupling, COUPLINGS),
            ("sampler", self.sampler, SAMPLERS),
            ("start", self.start, STARTS),
        ):
            if name not in known:
                raise UsageError(f"head.{option}: {unknown(option, name, known)}")
        if self.prefix < 0:
            raise UsageError(f"head.prefix: {self.prefix} is negative; 0 gives nothing")
        if (self.coupling == "reflow") != bool(self.teacher):
            raise UsageError("head.teacher: reflow has a teacher, and nothing else has one")
        if self.coupling == "own_guess" and self.time_distribution.sampler != "two_pass":
            raise UsageError(
                'head.coupling: "own_guess" is of two passes; set times = "two_point" and '
                'sampler = "two_pass"'
            )
        if self.sampler not in (fits := self._fitting()):
            raise UsageError(
                f'head.sampler: "{self.sampler}" does not go with path "{self.path}", target '
                f'"{self.target}" and times "{self.times}"; these do: {", ".join(fits)}'
            )

    @property
    def schedule(self) -> NoiseSchedule:
        """The noise schedule of the path."""
        return NOISE_SCHEDULES[self.path]()

    @property
    def time_distribution(self) -> TimeDistribution:
        """The distribution of the training times."""
        return TIME_DISTRIBUTIONS[self.times]

    @property
    def starts_from_zero(self) -> bool:
        """Whether samples start from zeros rather than from noise."""
        return self.start == "zero" or self.learns_from_zero

    @property
    def learns_from_zero(self) -> bool:
        """Whether zeros stand in place of noise at t = 0."""
        return self.coupling in ("from_nothing", "own_guess")

    @property
    def fixed_sampler(self) -> str:
        """The sampler where there is no choice, else ""."""
        return "" if SAMPLERS[self.sampler].fixed_steps is None else self.sampler

    @property
    def solvers(self) -> tuple[str, ...]:
        """The samplers to choose from, the default first; none where there is no choice."""
        others = (name for name in self._fitting() if name != self.sampler)
        return () if self.fixed_sampler else (self.sampler, *others)

    @property
    def guidable(self) -> bool:
        """Whether chunks can be guided on the way: not in two passes, of which none leads there."""
        return not self.fixed_sampler

    @property
    def free_steps(self) -> int:
        """The default number of steps; 0 where it is fixed."""
        return 0 if self.fixed_sampler else self.steps

    def _fitting(self) -> list[str]:
        """The samplers that can be used on the path by a network trained at these times.

        At the end of the path a velocity has to be predicted: from data or noise it follows by a
        division by sigma, which is 0 there.
        """
        only, in_noise = self.time_distribution.sampler, self.schedule.starts_in_noise
        return [
            name
            for name, kind in SAMPLERS.items()
            if (name == only if only else kind.fixed_steps is None)
            and not (kind.divides_by_alpha and in_noise)
            and not (kind.evaluates_data and self.target != "velocity")
        ]
