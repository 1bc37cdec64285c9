"""How a training goes: the numbers of a card's `[training]` table that the loop needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from pi0bench.policy.card_tables import KeypointTrainingTable, TrainingTable


@dataclass(frozen=True)
class FitConfig:
    """How to train; everything but `checkpoint_every_s` decides the result.

    Attributes:
        steps: of the optimiser.
        batch: items a step.
        lr: AdamW's learning rate at its height.
        muon_lr: Muon's, for the weights that it trains.
        warmup: steps over which the learning rates rise.
        weight_decay: AdamW's.
        clip: greatest norm of a gradient.
        ema: share of the moving average that is kept at a step.
        seed: of order, noise and times.
        source: what is trained on what; a checkpoint of something else is not taken up.
        checkpoint_every_s: seconds between two checkpoints.
    """

    steps: int
    batch: int
    lr: float = 1e-3
    muon_lr: float = 1e-2
    warmup: int = 200
    weight_decay: float = 1e-4
    clip: float = 1.0
    ema: float = 0.999
    seed: int = 0
    source: str = ""
    checkpoint_every_s: float = 60.0

    @staticmethod
    def of(table: TrainingTable | KeypointTrainingTable, source: str) -> FitConfig:
        """What a card's `[training]` table says, for what is trained on what."""
        known = {field.name for field in fields(FitConfig)}
        own = {name: value for name, value in asdict(table).items() if name in known}
        return FitConfig(**own, source=source)
