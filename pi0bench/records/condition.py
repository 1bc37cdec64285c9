"""Conditions: what the episodes of one row, curve or comparison have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pi0bench.records.record import FIXED_LOOK, STILL, USUAL_HZ, Cell, Record

World = tuple[str, str, str]
"""Engine, renderer and variation."""

Pace = tuple[bool, str, int, int, int, int, str]
"""See `Condition.pace`."""

Episode = tuple[str, int, int]
"""Task, number and seed: what two conditions must share for their outcomes to be paired."""


@dataclass(frozen=True, order=True)
class Condition:
    """What the episodes of a row have in common, beside the task (see `Cell`)."""

    policy: str
    steps: int
    solver: str
    engine: str
    renderer: str
    variation: str
    clock: str = STILL
    delay: int = 0
    execute: int = 0
    control_hz: int = USUAL_HZ
    coarsen: int = 1
    look: str = FIXED_LOOK

    @classmethod
    def of(cls, record: Record) -> Condition:
        """Return the condition under which `record` was measured."""
        cell = record.cell
        where = (cell.engine, cell.renderer, cell.variation)
        pace = (cell.clock, cell.delay, cell.execute, cell.control_hz, cell.coarsen, cell.look)
        return cls(cell.policy, cell.steps, cell.solver, *where, *pace)

    def __str__(self) -> str:
        return " · ".join((self.called, *self.sampler, " / ".join(self.world)))

    @property
    def called(self) -> str:
        """The policy, and of its timing what is not usual."""
        return " · ".join(filter(None, (self.policy, self.timing)))

    @property
    def timing(self) -> str:
        """Clock, delay and all else of its pace as words; of these what is usual is unsaid."""
        return timing_of(self)

    @property
    def waiting(self) -> Condition:
        """The same where the world waits and each policy executes what it says."""
        return replace(self, clock=STILL, delay=0, execute=0, look=FIXED_LOOK)

    @property
    def sampler(self) -> tuple[str, ...]:
        """Steps and solver as words; nothing without a sampler."""
        return (str(self.steps), self.solver) if self.steps else ()

    @property
    def world(self) -> World:
        """Engine, renderer and variation."""
        return self.engine, self.renderer, self.variation

    @property
    def curve(self) -> tuple[World, str, str, Pace]:
        """World, policy, solver and pace: what the points of one curve have in common."""
        return self.world, self.policy, self.solver, self.pace

    @property
    def pace(self) -> Pace:
        """All of its time, in an order in which the usual comes first."""
        moves, rate = self.clock != STILL, (self.control_hz, self.coarsen, self.look)
        return moves, self.clock, self.execute, self.delay, *rate


def timing_of(of: Cell | Condition) -> str:
    """Return clock, delay and all else of its pace as words; of these what is usual is unsaid."""
    said = (
        of.clock if of.clock != STILL else "",
        f"delay {of.delay}" if of.delay else "",
        f"execute {of.execute}" if of.execute else "",
        f"look {of.look}" if of.look != FIXED_LOOK else "",
        f"{of.control_hz} Hz" if of.control_hz != USUAL_HZ else "",
        f"coarsen {of.coarsen}" if of.coarsen != 1 else "",
    )
    return " ".join(filter(None, said))


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
