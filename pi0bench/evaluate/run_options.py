"""How a run is carried out."""

from __future__ import annotations

from dataclasses import dataclass

from pi0bench.argument_bounds import bounded
from pi0bench.evaluate import executors
from pi0bench.evaluate.shards import Shard


@dataclass(frozen=True)
class How:
    """How a run is carried out; none of it changes a record.

    Attributes:
        workers: processes.
        batch: episodes that a process runs in lock step.
        video: whether to make videos.
        incomplete: show tables even when episodes are missing.
        command: the command line that asked for it.
        shard: the part of the plan to measure; None for all of it. Videos and comparisons of chunks
            wait for the merged run.
        executor: one of `pi0bench.evaluate.executors.KINDS`.
        ray_address: of a Ray cluster; when empty, Ray is started here.
    """

    workers: int = 1
    batch: int = 8
    video: bool = True
    incomplete: bool = False
    command: str = ""
    shard: Shard | None = None
    executor: str = "inline"
    ray_address: str = ""

    def __post_init__(self) -> None:
        bounded("--batch", self.batch)
        executors.check(self.executor, self.ray_address)

    @property
    def hands(self) -> str:
        """Who does it, in words."""
        if self.ray_address:
            return f"Ray at {self.ray_address}"
        return f"{self.workers} worker{'s' if self.workers > 1 else ''}"
