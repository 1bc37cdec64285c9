"""All that one condition says: success, cost and the reasons why, each with its n."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean, median

from pi0bench.records.chunk_quality import Quality
from pi0bench.records.condition import Condition, measured
from pi0bench.records.record import FIXED_LOOK, Record, Timing
from pi0bench.report.statistical_methods import FIXED, Analysis
from pi0bench.report.success_rows import Row
from pi0bench.stats.success_intervals import Interval


@dataclass(frozen=True)
class Middle:
    """A median with its 95 % interval, None for few values, and how many values it rests on."""

    value: float
    interval: Interval | None
    n: int

    def told(self, digits: int) -> str:
        """All three as words."""
        low_high = self.interval
        span = f" [{low_high.low:.{digits}f}, {low_high.high:.{digits}f}]" if low_high else ""
        return f"{self.value:.{digits}f}{span}, n = {self.n}"


@dataclass(frozen=True)
class Distance:
    """How far sampled chunks are from a reference of many steps; means over tasks.

    Attributes:
        rmse: root mean square difference of chunks from equal noise, in units of an action.
        energy: energy distance of the chunks as a set, in units of an action.
        reference_steps: of the reference; several tasks may differ.
        chunks: how many were compared.
    """

    rmse: float
    energy: float
    reference_steps: tuple[int, ...]
    chunks: int


@dataclass(frozen=True)
class Tempo:
    """How looks and actions followed each other, in control steps.

    Attributes:
        period: from a look to the next, as replans and lengths of the episodes tell; on average
            where a rule decides.
        delay: from a look until its plan could be followed.
        held: share of the steps in which the robot held still and waited for a plan.
        reaction_s: median over the episodes with a knock that was reacted to, seconds.
        plans_s: plans a second of the robot's time.
        passes_s: trunk evaluations a second of it.
    """

    period: float
    delay: int
    held: float
    reaction_s: Middle | None
    plans_s: float
    passes_s: float

    @property
    def mean_wait(self) -> float:
        """From a change at any moment until it can be acted on, on average."""
        return self.period / 2 + self.delay

    @property
    def worst_wait(self) -> float:
        """The same, of a change just after a look."""
        return self.period + self.delay


@dataclass(frozen=True)
class Profile:
    """One condition; None for what was not measured or does not apply.

    Attributes:
        total: the mean row over the tasks; of a single task, its row.
        tasks: a row each task.
        eyes_ms: milliseconds of a re-plan spent on looking, p50.
        prefix_ms: on the prefix, p50.
        each_ms: on one evaluation of the trunk, p50.
        jerk_m_s3: median over the episodes, m/s³.
        jump_m_s: median over the episodes, m/s.
        distance: to a reference of many steps.
        tempo: how looks and actions followed each other.
    """

    total: Row
    tasks: tuple[Row, ...]
    eyes_ms: float | None
    prefix_ms: float | None
    each_ms: float | None
    jerk_m_s3: Middle | None
    jump_m_s: Middle | None
    distance: Distance | None
    tempo: Tempo | None

    @property
    def condition(self) -> Condition:
        """What its episodes have in common."""
        return self.total.condition


def profiles(
    rows: Sequence[Row],
    records: Iterable[Record],
    timings: Iterable[Timing],
    qualities: Iterable[Quality],
    kind: Analysis = FIXED,
) -> list[Profile]:
    """Return a profile for each condition, in the order of the rows.

    Args:
        rows: what `summarize` says of these records.
        records: of a run.
        timings: of the same.
        qualities: of the same; none is fine.
        kind: the statistics of the run.
    """
    of_condition = measured(records)
    of_quality: dict[Condition, list[Quality]] = defaultdict(list)
    for quality in qualities:
        of_quality[_condition(quality)].append(quality)
    by_key = {timing.key: timing for timing in timings}
    made = []
    for condition, group in groupby(rows, key=lambda r: r.condition):
        *tasks, total = group
        episodes = of_condition.get(condition, [])
        timed = [(r, by_key[r.cell.key()]) for r in episodes if r.cell.key() in by_key]
        made.append(
            Profile(
                total=total,
                tasks=tuple(tasks) or (total,),
                eyes_ms=_median(t.eyes_ms for _, t in timed),
                prefix_ms=_median(t.prefix_ms for _, t in timed),
                each_ms=_median(_each_ms(r, t) for r, t in timed),
                jerk_m_s3=_middle((r.jerk_m_s3 for r in episodes), kind),
                jump_m_s=_middle((r.jump_m_s for r in episodes), kind),
                distance=_distance(of_quality[condition.waiting]),
                tempo=_tempo(episodes, kind),
            )
        )
    return made


def _condition(quality: Quality) -> Condition:
    where = (quality.engine, quality.renderer, quality.variation)
    return Condition(quality.policy, quality.steps, quality.solver, *where)


def _each_ms(record: Record, timing: Timing) -> float | None:
    """Milliseconds of one evaluation, from the episode's mean number of them a re-plan."""
    if timing.sampler_ms is None or not record.trunk_evaluations:
        return None
    return timing.sampler_ms * record.replans / record.trunk_evaluations


def _tempo(episodes: Sequence[Record], kind: Analysis) -> Tempo | None:
    planned = [record for record in episodes if record.replans and record.length]
    if not planned:
        return None
    cell, steps = planned[0].cell, sum(record.length for record in planned)
    plans = sum(record.replans for record in planned)
    return Tempo(
        period=_period(planned) if cell.look == FIXED_LOOK else steps / plans,
        delay=cell.delay,
        held=sum(record.held for record in planned) / steps,
        reaction_s=_middle((record.reaction_s for record in planned), kind),
        plans_s=plans * cell.control_hz / steps,
        passes_s=sum(r.trunk_evaluations for r in planned) * cell.control_hz / steps,
    )


def _period(planned: Sequence[Record]) -> int:
    """Control steps from one look to the next, which all episodes have in common."""
    longest = max(record.length for record in planned)
    fits = (n for n in range(1, longest) if all(-(-r.length // n) == r.replans for r in planned))
    return next(fits, max(-(-r.length // r.replans) for r in planned))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _middle(values: Iterable[float | None], kind: Analysis) -> Middle | None:
    known = [value for value in values if value is not None]
    return Middle(median(known), kind.median(known), len(known)) if known else None


def _distance(qualities: Sequence[Quality]) -> Distance | None:
    if not qualities:
        return None
    return Distance(
        rmse=fmean(q.rmse for q in qualities),
        energy=fmean(q.energy_distance for q in qualities),
        reference_steps=tuple(sorted({q.reference_steps for q in qualities})),
        chunks=sum(q.chunks for q in qualities),
    )
