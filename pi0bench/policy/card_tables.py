"""What cards say, typed: one frozen dataclass for each table of policy.toml and eyes.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pi0bench.policy.pi0_trunk import TrunkConfig
from pi0bench.policy_role import Role


@dataclass(frozen=True)
class EyesTable:
    """The keypoint encoder that it sees through.

    Attributes:
        name: its folder.
        motion_steps: a second look so many control steps earlier tells how keypoints move; 0 for
            none.
        blank: it sees grey alone.
    """

    name: str
    motion_steps: int = 0
    blank: bool = False


@dataclass(frozen=True)
class PointsTable:
    """The number of points of the cloud that it sees."""

    count: int


@dataclass(frozen=True)
class StateTable:
    """What it feels of itself beside pose and opening of its hand.

    Attributes:
        lag: how far the hand is behind where it is sent, which tells how it moves. A policy that
            is told learns to go on as it goes (de Haan et al. 2019, causal confusion).
    """

    lag: bool = False


@dataclass(frozen=True)
class TextTable:
    """The number of words of an instruction that it reads."""

    length: int


@dataclass(frozen=True)
class NetworkTable:
    """A name in `ARCHITECTURES`; and of a U-Net the channels of its levels."""

    kind: str = "trunk"
    widths: tuple[int, ...] = ()


CHUNK_S, MOTION_S = 0.8, 0.2
"""What demonstrations are cut into: the longest chunk, and the time between two looks."""


@dataclass(frozen=True)
class ChunkTable:
    """The action horizon, `length`, and the execution horizon, `execute`, in control steps.

    Of these there are `control_hz` a second.
    """

    length: int
    execute: int
    control_hz: int = 20


@dataclass(frozen=True)
class TrainingTable:
    """How a policy is trained.

    Attributes:
        suites: whose tasks are demonstrated.
        demonstrations: of each task.
        steps: of the optimiser.
        batch: windows a step.
        draws: noises and times a window.
        lr: AdamW's learning rate at its height.
        muon_lr: Muon's.
        ema: share of the moving average of the weights that is kept at a step.
        seed: of everything random.
        learns: of the suites, those that it learns from; all when empty.
    """

    suites: tuple[str, ...]
    demonstrations: int
    steps: int
    batch: int
    draws: int
    lr: float
    muon_lr: float
    ema: float
    seed: int
    learns: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicyCard:
    """A policy.toml; of one that is the same as another, merged with the other's.

    Attributes:
        summary: one sentence.
        head: `kind`, a name in `HEADS`, and that head's own options.
        same_as: the folder whose weights it has.
        group: of policies that are compared.
        role: in the comparison, one of `Role`.
    """

    summary: str
    text: TextTable
    chunk: ChunkTable
    training: TrainingTable
    eyes: EyesTable | None = None
    points: PointsTable | None = None
    state: StateTable = StateTable()
    trunk: TrunkConfig | None = None
    network: NetworkTable = NetworkTable()
    head: Mapping[str, Any] = field(default_factory=dict)
    same_as: str = ""
    group: str = ""
    role: str = Role.COMPETES.value


@dataclass(frozen=True)
class PicturesTable:
    """What a keypoint encoder sees.

    Attributes:
        side: of the pictures in pixels, a multiple of 64.
        width: channels of its first layer.
    """

    side: int
    width: int


@dataclass(frozen=True)
class KeypointTrainingTable:
    """How a keypoint encoder is trained (see `TrainingTable`), on some scenes, others held out."""

    suites: tuple[str, ...]
    demonstrations: int
    scenes: int
    held_out: int
    steps: int
    batch: int
    lr: float
    ema: float
    seed: int


@dataclass(frozen=True)
class KeypointCard:
    """An eyes.toml."""

    summary: str
    eyes: PicturesTable
    training: KeypointTrainingTable
