"""Success at the delay that each device takes, in tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from pi0bench.report.device_lookup import Lookup, lookups
from pi0bench.report.device_profiles import KINDS, DeviceProfile
from pi0bench.report.device_steps import device_verdicts, steps_markdown
from pi0bench.report.headline_table import rate, who
from pi0bench.report.number_format import in_markdown, markdown_table
from pi0bench.report.run_report import RunReport

NAME = "devices.md"

_NOT_MEASURED, _NOT_KNOWN = "not measured", "not known"


def device_sentences(profiles: Sequence[DeviceProfile]) -> Iterator[str]:
    """Say of each profile what its times are."""
    for of in profiles:
        yield (
            f"{of.name}: {of.summary} {of.kind.capitalize()}: {of.model} on {of.device}, "
            f"{of.statistic}; {of.source} (file {of.hash})."
        )


def device_markdown(report: RunReport, profiles: Sequence[DeviceProfile], control_hz: int) -> str:
    """Return tables of what was measured on devices, and others of what was published.

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
        blocks.append(steps_markdown(device_verdicts(report, devices, control_hz)))
    return "\n\n".join(filter(None, blocks)) + "\n"


def _line(found: Sequence[Lookup]) -> list[str]:
    reached = [_NOT_MEASURED if of.row is None else rate(of.row) for of in found]
    delays = [_NOT_KNOWN if of.delay is None else str(of.delay) for of in found]
    beside = (cell for pair in zip(delays, reached, strict=True) for cell in pair)
    return [*who(found[0].asked), str(found[0].evaluations), *beside]
