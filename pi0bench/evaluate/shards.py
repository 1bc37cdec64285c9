"""A plan in parts, for machines that share nothing: each measures one, then they are merged."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from pi0bench.argument_bounds import bounded
from pi0bench.errors import UsageError
from pi0bench.random_streams import stream
from pi0bench.records.record import Cell


@dataclass(frozen=True)
class Shard:
    """One of several parts of a plan.

    Attributes:
        part: which one, from 1.
        of: how many there are.
    """

    part: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read "2/8", the second of eight.

        Raises:
            UsageError: it is no such thing.
        """
        found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        part, of = map(int, found.groups()) if found else (0, 0)
        if not 1 <= part <= of:
            raise UsageError(f'--shard: "{text}" is no part; give one such as 2/8, from 1/8 to 8/8')
        return cls(part, of)

    def __str__(self) -> str:
        return f"{self.part}/{self.of}"

    def pick(self, cells: Sequence[Cell]) -> tuple[Cell, ...]:
        """Return this part's cells, in the order of the plan.

        They are dealt from a shuffled plan, so that no part gets all of a slow policy or a long
        task; the same plan is always dealt alike.
        """
        dealt = stream("shard", 0).permutation(len(cells))[self.part - 1 :: self.of]
        return tuple(cells[index] for index in sorted(dealt))


def commands(parts: int, asked: Sequence[str]) -> list[str]:
    """The command of each part of a run, then those that join them and add what only a whole has.

    Args:
        parts: how many.
        asked: what `pi0bench run` would be given, with neither `--shard` nor `--out`.

    Raises:
        UsageError: there are too few parts.
    """
    bounded("parts", parts)
    run = shlex.join(["pi0bench", "run", *asked])
    folders = [f"part-{part}" for part in range(1, parts + 1)]
    each = [f"{run} --shard {part}/{parts} --out part-{part}" for part in range(1, parts + 1)]
    return [*each, f"pi0bench merge {' '.join(folders)} --out whole", f"{run} --out whole"]
