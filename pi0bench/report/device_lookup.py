"""What a run that was measured at several delays reaches at the delay of a device: a look-up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pi0bench.errors import UsageError
from pi0bench.records.condition import Condition, measured
from pi0bench.records.record import STILL, Record
from pi0bench.report.device_profiles import DeviceProfile
from pi0bench.report.run_report import RunReport
from pi0bench.report.success_rows import Row

GRADIENT = ("rtc",)
"""Clocks that take a gradient through each evaluation, which has a time of its own."""


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
