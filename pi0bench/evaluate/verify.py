"""A run's records checked by measuring some of its episodes again: the same cell, the same record.

In another order, other batches, fresh processes and fresh environments, so that whatever leaks from
one episode into the next, such as a global random state, shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from pi0bench.argument_bounds import bounded
from pi0bench.errors import IncompleteError, UsageError
from pi0bench.evaluate import policy_sources
from pi0bench.evaluate.cells import batches
from pi0bench.evaluate.episode_jobs import Measure
from pi0bench.evaluate.machine_description import others
from pi0bench.evaluate.provenance import software
from pi0bench.evaluate.supervised_executor import Local
from pi0bench.evaluate.task_sources import task
from pi0bench.policy import registry
from pi0bench.random_streams import stream
from pi0bench.records.condition import timing_of
from pi0bench.records.record import Cell, Record, contrast
from pi0bench.records.resume_compatibility import differences, mixed
from pi0bench.records.run_folder import RunFolder
from pi0bench.task.variation_files import NOMINAL, UNVARIED, digest

BATCH = 3
"""Episodes in lock step; a run has other batches, 8 when not told otherwise."""


@dataclass(frozen=True)
class Verification:
    """What measuring a run's episodes again came to.

    Attributes:
        folder: of the run.
        episodes: that were measured again.
        of: episodes that the run has.
        differences: a sentence for each record that came out otherwise.
        notes: in what the code or the machine differs from the run's, in sentences.
    """

    folder: Path
    episodes: int
    of: int
    differences: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0, or 3 when a record differs."""
        return IncompleteError.exit_code if self.differences else 0


def verify(run: Path, episodes: int, seed: int, workers: int, console: Console) -> Verification:
    """Measure some of a run's episodes again and compare their records.

    Args:
        run: its folder, or one of published results.
        episodes: how many; all when there are fewer.
        seed: of the draw.
        workers: processes, all of them fresh.
        console: where each difference is said on a line of its own.

    Raises:
        UsageError: there are no records, or what was measured has changed since.
    """
    bounded("--episodes", episodes)
    bounded("--seed", seed)
    folder = RunFolder(run)
    manifest = folder.manifest()
    records = [record for record in folder.records() if record.final]
    if not records:
        raise UsageError(f"{run}: holds no measured episodes")
    drawn = draw(records, episodes, seed)
    if changes := changed([record.cell for record in drawn], manifest):
        release = manifest.get("versions", {}).get("pi0bench", "of unknown version")
        raise UsageError(
            f"{run}: cannot be measured again by what is here: {'; '.join(changes)}; pi0bench "
            f"{release} measured it, so verify it with that one and what it had"
        )

    def say(line: str) -> None:
        console.print(Text(line), soft_wrap=True)

    notes, differing = [], []
    if news := mixed(manifest, software()):
        notes.append(f"Something else measured them: {'; '.join(news)}.")
        say(notes[-1])
    before = {record.cell.key(): record for record in drawn}
    with closing(Local(workers)) as executor:
        for outcome in executor.run(jobs(drawn, seed)):
            record = before[outcome.record.cell.key()]
            if outcome.record != record:
                differing.append(f"{_name(record.cell)}: {contrast(record, outcome.record)}")
                say(differing[-1])
    asked = f"{len(drawn)} of {len(records)} episodes, measured again in another order, in batches "
    asked += f"of at most {BATCH}, by fresh processes and in fresh environments"
    if differing and (strange := others(manifest)):
        notes.append(f"Another machine measured them: {'; '.join(strange)}.")
        say(notes[-1])
    told = f"{len(differing)} differ" if differing else "the same records, to the last digit"
    say(f"{run}: {asked}: {told}.")
    return Verification(run, len(drawn), len(records), tuple(differing), tuple(notes))


def draw(records: Sequence[Record], count: int, seed: int) -> list[Record]:
    """Draw at most that many records, from every policy about equally many."""
    order = stream("verification", seed).permutation(len(records))
    of_policy: dict[str, list[Record]] = {}
    for index in order:
        of_policy.setdefault(records[index].cell.policy, []).append(records[index])
    turns = chain.from_iterable(zip_longest(*of_policy.values()))
    return [record for record in turns if record is not None][:count]


def jobs(records: Sequence[Record], seed: int) -> list[Measure]:
    """Their cells in small batches, each from the last episode to the first, in a drawn order."""
    cells = sorted((r.cell for r in records), key=lambda cell: (_condition(cell), -cell.episode))
    grouped = batches(cells, BATCH)
    order = stream("verification", seed, "order").permutation(len(grouped))
    return [Measure(grouped[index], fresh=True) for index in order]


def changed(cells: Sequence[Cell], manifest: Mapping[str, Any]) -> list[str]:
    """Say which weights, task files and variations are not those that were measured."""
    weights = {registry.own_in(cell.policy, cell.engine): cell.weights for cell in cells}
    hashes = {cell.task: cell.task_hash for cell in cells}
    kinds = {cell.variation for cell in cells} - UNVARIED.keys()
    said: Mapping[str, str] = manifest.get("variations", {})
    varied = {kind: said[kind] for kind in kinds if kind in said}
    now = {name: policy_sources.load(name).traits.weights for name in weights}
    return [
        *differences(weights, now, "weights"),
        *differences(hashes, {name: task(name).hash for name in hashes}, "tasks"),
        *differences(
            varied,
            {kind: digest(kind, manifest.get("tasks", hashes)) for kind in varied},
            "variations",
        ),
    ]


def _condition(cell: Cell) -> str:
    return repr(replace(cell, episode=0))


def _name(cell: Cell) -> str:
    stepped = f", {cell.steps} steps of {cell.solver}" if cell.steps else ""
    varied = "" if cell.variation == NOMINAL.name else f", {cell.variation}"
    timing = ", ".join(["", *filter(None, [timing_of(cell)])])
    return f"{cell.policy} on {cell.task}, episode {cell.episode}{stepped}{varied}{timing}"
