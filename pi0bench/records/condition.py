"""Conditions: what the episodes of one row, curve or comparison have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pi0bench.records.record import Cell, Record

World = tuple[str, str, str]
"""Engine, renderer and variation."""

Episode = tuple[str, int, int]
"""Task, number and seed: what two conditions must share for their outcomes to be paired."""


@dataclass(frozen=True, order=True)
class Condition:
    """What the episodes of a row have in common, beside the task."""

    policy: str
    steps: int
    solver: str
    engine: str
    renderer: str
    variation: str

    @classmethod
    def of(cls, record: Record) -> Condition:
        """Return the condition under which `record` was measured."""
        cell = record.cell
        where = (cell.engine, cell.renderer, cell.variation)
        return cls(cell.policy, cell.steps, cell.solver, *where)

    def __str__(self) -> str:
        return " · ".join((self.policy, *self.sampler, " / ".join(self.world)))

    @property
    def sampler(self) -> tuple[str, ...]:
        """Steps and solver as words; nothing without a sampler."""
        return (str(self.steps), self.solver) if self.steps else ()

    @property
    def world(self) -> World:
        """Engine, renderer and variation."""
        return self.engine, self.renderer, self.variation

    @property
    def curve(self) -> tuple[World, str, str]:
        """World, policy and solver: what the points of one curve have in common."""
        return self.world, self.policy, self.solver


def episode(cell: Cell) -> Episode:
    """Return what two cells share that start from the same state with the same noise."""
    return cell.task, cell.episode, cell.seed


def by_condition(records: Iterable[Record]) -> dict[Condition, list[Record]]:
    """Return the records of each condition, both in the order in which they come."""
    found: dict[Condition, list[Record]] = {}
    for record in records:
        found.setdefault(Condition.of(record), []).append(record)
    return found


def measured(records: Iterable[Record]) -> dict[Condition, list[Record]]:
    """Return the same of the records that measured their policy."""
    return by_condition(record for record in records if record.final)
