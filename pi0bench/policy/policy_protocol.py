"""What a policy is to the harness: observations in, a chunk of actions out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pi0bench.policy_role import Role, role

PROPRIO_DIM = 13
"""Numbers of a robot's proprioception: see `pi0bench.task.tabletop_episode.proprio`."""

NONE = "none"
"""In place of a hash, of a policy that has no weights."""


class PolicyLostError(Exception):
    """The policy cannot be reached any more; what it was planning for must be begun again."""


@dataclass(frozen=True, eq=False)
class Committed:
    """What a robot goes on with while its next plan is made, and how that plan is to follow.

    Attributes:
        actions: of the plan before from this control step on, as they are sent, (N, A); none before
            an episode's first plan.
        delay: how many of them are carried out until the new plan can be followed.
        execute: control steps until the next look, from which on the new plan is free.
        guidance: "soft", drawn towards all of them; "hard", the first `delay` are given; "prefix",
            the same, as it was learned; "choice", of several plans the one nearest to them.
    """

    actions: NDArray[np.float64]
    delay: int
    execute: int
    guidance: Literal["soft", "hard", "prefix", "choice"]


@dataclass(frozen=True, eq=False)
class Observation:
    """What one robot knows when it plans.

    Attributes:
        images: RGB picture of each camera, (side, side, 3) uint8, read-only; empty for policies
            whose `image_side` is 0.
        proprio: what the robot feels, (13,) float32, read-only (see `Tabletop.proprio`).
        instruction: what is asked, in words.
        expert_action: the scripted expert's next action; None for all but privileged policies.
        points: a cloud of the scene, (N, 6) float32, read-only (see
            `pi0bench.envs.state_and_points.Cloud`); None for policies whose `points` is 0.
        joints_rad: measured, (7,) float32; None where the world does not tell.
        low, high: the least and greatest action, (A,) each; what lies outside is clipped.
        episode: a name that all observations of an episode share, and no other's have.
        step: control steps of the episode so far: where it is 0, a new one begins.
        past: what was observed before, the oldest first, `Traits.obs_stride` control steps apart
            up to this one; as many as `Traits.n_obs_steps` asks for besides it. Before an episode's
            first step there is nothing else than its first observation.
        memory: what the policy's last plan for this episode left in `Plan.memory`, never to be
            changed in place; None where a new episode begins.
        committed: what the robot goes on with; None for all but policies that are `guidable`, and
            for these where nothing is to guide them.
    """

    images: Mapping[str, NDArray[np.uint8]]
    proprio: NDArray[np.float32]
    instruction: str
    expert_action: Callable[[], NDArray[np.float64]] | None = None
    points: NDArray[np.float32] | None = None
    joints_rad: NDArray[np.float32] | None = None
    low: NDArray[np.float64] = field(default_factory=lambda: -np.ones(7))
    high: NDArray[np.float64] = field(default_factory=lambda: np.ones(7))
    episode: str = ""
    step: int = 0
    past: tuple[Observation, ...] = ()
    memory: Any = None
    committed: Committed | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """A chunk of actions for each observation.

    Attributes:
        actions: (B, H, A), in [-1, 1] on the benchmark's own tasks, where A is 7.
        trunk_evaluations: passes through the action expert that each chunk took, counted, (B,);
            a single number counts for all.
        spent_ms: how long its parts took, in the order in which they came.
        memory: what the policy wants to remember of each row's episode, B of anything; it comes
            back with that episode's next observation, whoever its neighbours are then.
    """

    actions: NDArray[np.float64]
    trunk_evaluations: int | NDArray[np.int64] = 0
    spent_ms: Mapping[str, float] = field(default_factory=dict)
    memory: Sequence[Any] | None = None


@dataclass(frozen=True)
class Traits:
    """What the harness must know before it asks a policy for a plan.

    Attributes:
        weights: hash of the weights file, or `NONE`.
        image_side: side of the pictures it sees, in pixels; 0 when it sees none.
        points: number of points of the cloud that it sees; 0 when it sees none.
        n_obs_steps: observations that it sees, this one included, as Diffusion Policy's two;
            pictures are drawn for those alone.
        obs_stride: control steps from one of them to the next.
        control_hz: actions a second that its chunks are of; 0 when any rate will do.
        execute: actions of each chunk that are executed before it plans again.
        horizon: actions that each chunk has at least; as many as are executed, when not told.
        steps: its default number of sampler steps; 0 for policies without a sampler.
        solvers: names of the samplers that it can use, its default first; none without a sampler.
        role: whether it competes, is a control that others are read against, or is privileged,
            which acts on the simulator's state; only those that compete can be the best.
        rows: when more than 1, every batch has exactly so many, filled up where robots are fewer,
            so that the sums in a network, and with them a plan's last bits, never depend on how
            many robots plan.
        modes: how many of its demonstrations of a task took each of the task's modes.
        guidable: whether what an observation has `committed` can guide it, softly or hard.
        draws: whether its plans are drawn by chance, so that there are several to choose from.
        prefix_steps: how many of a plan's first actions can be given, as it has learned.
        learned: the tasks that it was trained on; none when that is not known.
        dtype: in which its network computes.
        device: on which.
        about: what a run says of it before it begins, a line.
    """

    weights: str = NONE
    image_side: int = 0
    points: int = 0
    n_obs_steps: int = 1
    obs_stride: int = 1
    control_hz: int = 20
    execute: int = 1
    horizon: int = 0
    steps: int = 0
    solvers: tuple[str, ...] = ()
    role: Role = Role.COMPETES
    rows: int = 1
    modes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    guidable: bool = False
    draws: bool = False
    prefix_steps: int = 0
    learned: tuple[str, ...] = ()
    dtype: str = "float32"
    device: str = "cpu"
    about: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "role", role(self.role, "role"))  # other packages give words
        object.__setattr__(self, "horizon", max(self.horizon, self.execute))
        if self.n_obs_steps < 1:
            raise ValueError(f"n_obs_steps: {self.n_obs_steps} is too few; this one counts")
        if self.obs_stride < 1:
            raise ValueError(f"obs_stride: {self.obs_stride} is no number of control steps")


class Policy(Protocol):
    """Plans for several robots at once. A row's plan must not depend on the other rows.

    Nor on what was planned before, but by what the observation carries: an observation may be
    planned for twice, to time it or because a neighbour's plan failed, and episodes come and go.
    """

    name: str
    traits: Traits

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """Plan for each observation, drawing only from its own generator.

        Args:
            observations: B of them.
            noise: one generator each, the same for every step count.
            steps: sampler steps; ignored by policies without a sampler.
            solver: one of the traits' `solvers`; ignored by policies without a sampler.
        """
        ...


def on_one_thread(policy: Policy) -> None:
    """Let a trained policy compute on one thread in this process.

    Another number of threads sums in another order, and so gives other last bits.
    """
    if policy.traits.weights != NONE:
        import torch

        torch.set_num_threads(1)
