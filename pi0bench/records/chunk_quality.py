"""How far sampled chunks of actions are from those that many sampler steps give."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from pi0bench.errors import StorageError
from pi0bench.files.durable import read_lines
from pi0bench.files.json_lines import dump, fields_of, load

QUALITY = "quality.jsonl"


@dataclass(frozen=True)
class Quality:
    """Chunks sampled with `steps` beside chunks sampled with `reference_steps`, same noise.

    Both distances are in units of an action, which lies in [-1, 1] in each dimension.

    Attributes:
        policy: its name.
        weights: hash of its weights.
        task: the task whose start states were looked at.
        engine: the physics.
        renderer: which one drew the pictures.
        variation: how the start states depart from the task file.
        seed: of start states and noise.
        steps: sampler steps of the chunks.
        solver: the sampler of both.
        reference_steps: sampler steps of the reference.
        states: start states.
        draws: noises for each of them.
        rmse: root mean square difference of the two chunks that one noise gives.
        energy_distance: between the chunks of a state as a set and the reference's as a set,
            whichever noise each came from; mean over the states.
    """

    policy: str
    weights: str
    task: str
    engine: str
    renderer: str
    variation: str
    seed: int
    steps: int
    solver: str
    reference_steps: int
    states: int
    draws: int
    rmse: float
    energy_distance: float

    def __post_init__(self) -> None:
        for name in ("states", "draws"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} is too few")
        if self.rmse < 0.0:
            raise ValueError(f"rmse: {self.rmse} is negative")

    @property
    def chunks(self) -> int:
        """How many chunks were compared with their reference."""
        return self.states * self.draws

    def to_line(self) -> str:
        """Write it as one line of JSON, without the newline."""
        return dump(dataclasses.asdict(self))

    @classmethod
    def from_line(cls, line: str) -> Quality:
        """Read what `to_line` wrote; ValueError says what is wrong."""
        return cls(**fields_of(cls, load(line)))

    def _asked(self) -> Quality:
        return dataclasses.replace(self, rmse=0.0, energy_distance=0.0)


def read(folder: Path) -> list[Quality]:
    """Return what the run's `folder` holds, of equal questions the latest answer; none without."""
    path = folder / QUALITY
    found: dict[Quality, Quality] = {}
    for number, line in enumerate(read_lines(path), start=1):
        try:
            quality = Quality.from_line(line.decode())
        except ValueError as error:
            raise StorageError(f"{path}:{number}: {error}") from None
        found[quality._asked()] = quality
    return list(found.values())
