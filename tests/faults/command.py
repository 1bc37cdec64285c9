"""The command line with a policy that tells on itself; a main module, so that workers know it."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pi0bench.cli import main
from pi0bench.policy import registry
from pi0bench.policy.policy_protocol import Observation, Plan, Traits
from pi0bench.random_streams import stream

TALLY = "TALLY"
"""The variable that names the file to which each chunk's name is appended."""


class Tally:
    """Acts at random, and writes down which process planned which chunk."""

    name, traits = "tally", Traits(execute=8)

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        chunks = [chunk(rng) for rng in noise]
        with Path(os.environ[TALLY]).open("a") as file:
            file.write("".join(f"{os.getpid()} {named(actions)}\n" for actions in chunks))
        return Plan(np.stack(chunks))


def chunk(rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(-1, 1, (8, 7))


def named(actions: np.ndarray) -> int:
    return zlib.crc32(actions.tobytes())


def beginnings(tally: Path, task: str, episodes: int) -> int:
    """How often an episode was begun, by the processes that planned its first chunk."""
    first = {named(chunk(stream("noise", 0, task, i, 0))) for i in range(episodes)}
    planned = {tuple(map(int, line.split())) for line in tally.read_text().splitlines()}
    return sum(name in first for _, name in planned)


registry.BASELINES["tally"] = Tally

if __name__ == "__main__":
    sys.exit(main())
