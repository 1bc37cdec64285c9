"""Success at the delay that each device takes: a look-up in a run that was measured at several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pi0bench.errors import UsageError
from pi0bench.records.condition import Condition, measured
from pi0bench.records.record import STILL, Record
from pi0bench.report.device_profiles import KINDS, DeviceProfile
from pi0bench.report.headline_table import rate, who
from pi0bench.report.number_format import in_markdown, markdown_table
from pi0bench.report.run_report import RunReport
from pi0bench.report.success_rows import Row

NAME = "devices.md"
GRADIENT = ("rtc",)
"""Clocks that take a gradient through each evaluation, which has a time of its own."""

_NOT_MEASURED, _NOT_KNOWN = "not measured", "not known"


@dataclass(frozen=True)
class Lookup:
    """What one policy reaches on one device.

    Attributes:
        asked: policy, sampler, world and clock, at no delay.
        evaluations: of a re-plan, in the episode where they are most on average.
        delay: of the device, control steps; None where it is not known.
        row: at that delay; None where it was not measured there.
    """

    asked: Condition
    evaluations: int
    delay: int | None
    row: Row | None


def lookups(report: RunReport, profile: DeviceProfile, control_hz: int) -> list[Lookup]:
    """Look up every policy, sampler and clock of a run at the delay that the device takes.

    Raises:
        UsageError: in the run the world always waits.
    """
    rows = {found.condition: found.total for found in report.profiles}
    evaluations = {of: _most(group) for of, group in measured(report.records).items()}
    paths = dict.fromkeys(replace(of, delay=0) for of in rows if of.clock != STILL)
    if not paths:
        raise UsageError(
            "--device-profile: looks up a delay, and in this run the world waits; measure it with "
            "--clock hold async --delay 0 1 2 3 4"
        )
    found = []
    for path in paths:
        count = max(n for of, n in evaluations.items() if replace(of, delay=0) == path)
        delay = profile.delay(count, control_hz, guided=path.clock in GRADIENT)
        row = None if delay is None else rows.get(replace(path, delay=delay))
        found.append(Lookup(path, count, delay, row))
    return found


def _most(records: Iterable[Record]) -> int:
    """The evaluations of a re-plan, of the episode where they are most on average, rounded up."""
    return max(-(-r.trunk_evaluations // max(r.replans, 1)) for r in records)


def device_sentences(profiles: Sequence[DeviceProfile]) -> Iterator[str]:
    """Say of each profile what its times are."""
    for of in profiles:
        yield (
            f"{of.name}: {of.summary} {of.kind.capitalize()}: {of.model} on {of.device}, "
            f"{of.statistic}; {of.source} (file {of.hash})."
        )


def device_markdown(report: RunReport, profiles: Sequence[DeviceProfile], control_hz: int) -> str:
    """Return a table of what was measured on devices, and another of what others published.

    Args:
        report: of a run at several delays.
        profiles: of devices.
        control_hz: control steps a second.

    Raises:
        UsageError: in the run the world always waits.
    """
    blocks = [f"# Success at each device's own delay, at {control_hz} control steps a second"]
    order = sorted(profiles, key=lambda of: KINDS.index(of.kind))
    for kind, group in groupby(order, key=lambda of: of.kind):
        devices = list(group)
        names = ["policy", "solver", "steps", "evaluations/re-plan"]
        names += [head for of in devices for head in (f"{of.name}: delay", "success")]
        columns = [lookups(report, of, control_hz) for of in devices]
        lines = [_line(found) for found in zip(*columns, strict=True)]
        said = "\n".join(f"- {in_markdown(line)}" for line in device_sentences(devices))
        blocks += [f"## {kind.capitalize()}", markdown_table(names, lines, words=3), said]
    return "\n\n".join(blocks) + "\n"


def _line(found: Sequence[Lookup]) -> list[str]:
    reached = [_NOT_MEASURED if of.row is None else rate(of.row) for of in found]
    delays = [_NOT_KNOWN if of.delay is None else str(of.delay) for of in found]
    beside = (cell for pair in zip(delays, reached, strict=True) for cell in pair)
    return [*who(found[0].asked), str(found[0].evaluations), *beside]
