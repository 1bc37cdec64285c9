"""Which of several right answers was taken, and how often, beside the demonstrations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pi0bench.records.condition import Condition, measured
from pi0bench.records.record import Record


@dataclass(frozen=True)
class Split:
    """How often each mode of a task was taken.

    Attributes:
        counts: each mode with how many took it, in the order of the modes' names.
    """

    counts: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, counts: Mapping[str, int], modes: Iterable[str]) -> Split:
        """Return the split of `counts` over `modes`, zeros included."""
        return cls(tuple((mode, counts.get(mode, 0)) for mode in sorted(modes)))

    @property
    def n(self) -> int:
        """How many took any mode."""
        return sum(count for _, count in self.counts)

    @property
    def shares(self) -> dict[str, float]:
        """Each mode's share; empty when none was taken."""
        return {mode: count / self.n for mode, count in self.counts} if self.n else {}

    def distance(self, other: Split) -> float | None:
        """Return the total variation distance, in [0, 1]: the share that would have to move.

        None when either side took no mode.
        """
        if not (self.n and other.n):
            return None
        mine, theirs = self.shares, other.shares
        modes = sorted(mine.keys() | theirs.keys())
        return sum(abs(mine.get(m, 0.0) - theirs.get(m, 0.0)) for m in modes) / 2


@dataclass(frozen=True)
class Choice:
    """What was chosen on one task under one condition.

    Attributes:
        condition: of the episodes.
        task: a task that has modes.
        taken: the episodes that took a mode.
        episodes: all measured ones.
        shown: what the policy's demonstrations took; of a policy without any, what those of the
            others took, if they agree.
    """

    condition: Condition
    task: str
    taken: Split
    episodes: int
    shown: Split | None


def choices(records: Iterable[Record], manifest: Mapping[str, Any]) -> list[Choice]:
    """Return what was chosen, by world, task and curve, for each task with modes.

    Args:
        records: of a run.
        manifest: the run's; under "modes" how many demonstrations took each mode, by policy and
            task.
    """
    shown: Mapping[str, Mapping[str, Mapping[str, int]]] = manifest.get("modes", {})
    groups = measured(records)
    modes = _modes((record for group in groups.values() for record in group), shown)
    found = []
    for condition, group in groups.items():
        for task in sorted(modes.keys() & {record.cell.task for record in group}):
            taken = [record.mode for record in group if record.cell.task == task]
            own = _shown(shown, condition.policy, task, modes[task])
            split = Split.of(Counter(filter(None, taken)), modes[task])
            found.append(Choice(condition, task, split, len(taken), own))
    return sorted(found, key=lambda c: (c.condition.world, c.task, c.condition.curve, c.condition))


def _modes(
    records: Iterable[Record], shown: Mapping[str, Mapping[str, Mapping[str, int]]]
) -> dict[str, set[str]]:
    """The modes of each task that has any, from what was taken and what was demonstrated."""
    modes: dict[str, set[str]] = {}
    for record in records:
        if record.mode:
            modes.setdefault(record.cell.task, set()).add(record.mode)
    for tasks in shown.values():
        for task, counts in tasks.items():
            if counts:
                modes.setdefault(task, set()).update(counts)
    return modes


def _shown(
    shown: Mapping[str, Mapping[str, Mapping[str, int]]],
    policy: str,
    task: str,
    modes: Iterable[str],
) -> Split | None:
    own = shown.get(policy, {}).get(task)
    if own:
        return Split.of(own, modes)
    others = {Split.of(tasks[task], modes) for tasks in shown.values() if tasks.get(task)}
    return others.pop() if len(others) == 1 else None


def demonstrated(choices: Iterable[Choice]) -> list[tuple[str, Split]]:
    """Return the splits that the demonstrations show, named; with names where they differ."""
    policies: dict[Split, list[str]] = {}
    for choice in choices:
        if choice.shown:
            names = policies.setdefault(choice.shown, [])
            names += [choice.condition.policy] * (choice.condition.policy not in names)
    if len(policies) == 1:
        return [("demonstrations", split) for split in policies]
    return [(f"demonstrations of {', '.join(names)}", split) for split, names in policies.items()]
