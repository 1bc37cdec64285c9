"""An energy of where a chunk goes: candidates are proposed, ranked, and one is carried out."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.errors import UsageError
from pi0bench.policy.heads.action_tokenizers import cosines
from pi0bench.policy.heads.categorical_sampling import checked_temperature
from pi0bench.policy.heads.energy_sampling import Proposal, ranking_loss, refine
from pi0bench.policy.heads.head import Context, Head, NoiseSource, Sampled, Target, whole
from pi0bench.policy.normalisation import ActionSpace

_SOLVER = "derivative_free"


class EnergyBasedHead(Head):
    """Gives each candidate an energy; a candidate is the slow part of a chunk, a few numbers.

    Energies are of the lowest frequencies of every dimension, since candidates that are drawn in
    all numbers of a chunk are all trivially wrong. A mixture of Gaussians proposes them, and
    regression adds the rest of the chunk to the one that is taken. Letters: N candidates, C
    numbers of a candidate.

    Args:
        space: of the actions.
        width: W.
        frequencies: of each dimension, C = frequencies · A.
        candidates: N, while it learns and while it samples.
        modes: of the proposal.
        min_std: the proposal's least standard deviation of a number.
        steps: rounds of ranking, unless told otherwise.
        temperature: of the choice of a candidate; 0 takes the one of the least energy.

    Raises:
        UsageError: an option is out of range.

    Source: Florence et al. 2021 (implicit behavioural cloning), whose ranking of candidates
    depends on how they were drawn; Singh et al. 2023 (R-NCE, arXiv 2309.05803) mends that.
    """

    def __init__(
        self,
        space: ActionSpace,
        width: int,
        *,
        frequencies: int = 2,
        candidates: int = 32,
        modes: int = 5,
        min_std: float = 0.03,
        steps: int = 1,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(space, width)
        if not 1 <= frequencies <= space.action_horizon:
            most = space.action_horizon
            raise UsageError(f"head.frequencies: {frequencies} of {most}; give 1 to {most}")
        if candidates < 2 or modes < 1:
            raise UsageError(
                f"head: {candidates} candidates of {modes} modes; give 2 or more of 1 or more"
            )
        if not min_std > 0:
            raise UsageError(f"head.min_std: {min_std} is no floor; give more than 0")
        self.candidates, self.modes, self.min_std = candidates, modes, min_std
        self.solvers, self.steps = (_SOLVER,), steps
        self.temperature = checked_temperature(temperature)
        self.draws = True
        waves = cosines(space.action_horizon)[:frequencies] * space.action_horizon**-0.5
        self.register_buffer("waves", waves, persistent=False)
        self.size = frequencies * space.dim
        self.proposal_query = nn.Parameter(torch.zeros(1, width))
        self.proposal_out = nn.Linear(width, modes * (1 + 2 * self.size))
        self.energy_in_proj = nn.Linear(self.size, width)
        self.energy_mlp_in = nn.Linear(width, width)
        self.energy_mlp_out = nn.Linear(width, width)
        self.energy_out = nn.Linear(width, 1)
        self.query = nn.Parameter(torch.zeros(space.action_horizon, width))
        self.candidate_in_proj = nn.Linear(self.size, width)
        self.action_out_proj = nn.Linear(width, space.dim)

    waves: Tensor

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        super().initialise(generator)
        nn.init.normal_(self.query, generator=generator)
        nn.init.normal_(self.proposal_query, generator=generator)

    def slow_part(self, chunks: Tensor) -> Tensor:
        """Chunks (B, H, A) to candidates (B, C); the first frequency is a dimension's mean."""
        return torch.einsum("kh,bha->bka", self.waves, chunks).flatten(1)

    def propose(self, context: Context) -> Proposal:
        """Where candidates are drawn, in one evaluation."""
        out = context.evaluate(self.proposal_query.expand(len(context.state), -1, -1))
        shape = (self.modes, 1 + 2 * self.size)
        parts = (
            self.proposal_out(out[:, 0]).unflatten(-1, shape).split([1, self.size, self.size], -1)
        )
        return Proposal(parts[0][..., 0], parts[1], functional.softplus(parts[2]) + self.min_std)

    def energy(self, context: Context, candidates: Tensor) -> Tensor:
        """Energies of candidates (B, N, C), (B, N) nats; N evaluations an observation."""
        rows = candidates.flatten(0, 1)
        hidden = functional.silu(self.energy_mlp_in(self.energy_in_proj(rows)))
        repeated = context.repeat(candidates.shape[1])
        out = repeated.evaluate(self.energy_mlp_out(hidden)[:, None])
        return self.energy_out(out[:, 0]).view(candidates.shape[:2])

    def carry_out(self, context: Context, candidate: Tensor) -> Tensor:
        """The chunks (B, H, A) that have these slow parts (B, C), in one evaluation."""
        told = self.query + self.candidate_in_proj(candidate)[:, None]
        waves = self.waves * self.space.action_horizon
        slow = torch.einsum("kh,bka->bha", waves, candidate.unflatten(1, (len(waves), -1)))
        return slow + self.action_out_proj(context.evaluate(told))

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Ranking of the candidates, likelihood of the proposal and error of the rest, summed.

        Means over the chunks that count whole.
        """
        chunks, there = whole(target, self.space.action_horizon)
        shown, proposal = self.slow_part(chunks), self.propose(context)
        size = (len(shown), self.candidates, self.size + 1)
        noise = torch.randn(size, generator=generator, device=generator.device).to(shown)
        with torch.no_grad():
            candidates = torch.cat([shown[:, None], proposal.draw(noise)], dim=1)
            log_density = proposal.log_density(candidates)
        ranking = ranking_loss(self.energy(context, candidates), log_density)
        likelihood = proposal.log_density(shown[:, None])[:, 0] / self.size
        error = (self.carry_out(context, shown) - chunks).square().mean(dim=(1, 2))
        each = (ranking - likelihood + error).masked_fill(~there, 0)
        return each.sum() / there.sum().clamp(min=1)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """Rank candidates in so many rounds and carry one out; N evaluations a round, and two.

        Raises:
            UsageError: there are no rounds.
        """
        if steps < 1:
            raise UsageError(f"steps: {steps} is not a number of sampler steps; give 1 or more")
        found = refine(
            self.propose(context),
            lambda candidates: self.energy(context, candidates),
            noise,
            self.candidates,
            steps,
            self.temperature,
        )
        return Sampled(self.carry_out(context, found), 2 + steps * self.candidates)
