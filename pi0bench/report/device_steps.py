"""How many sampler steps a device has time for: the fewest that are as good as its best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pi0bench.records.condition import Condition, Episode
from pi0bench.report.device_lookup import Lookup, lookups
from pi0bench.report.device_profiles import DeviceProfile
from pi0bench.report.enough_steps import MARGIN, Verdict, verdict
from pi0bench.report.number_format import markdown_table, percent
from pi0bench.report.run_report import RunReport
from pi0bench.report.shared_episodes import outcomes_of

ALL = "all tasks"
_HEADS = ("device", "policy", "solver", "task", "best steps", "success", "n", "enough")


@dataclass(frozen=True)
class DeviceVerdict:
    """What one policy, sampler and clock needs on one device.

    Attributes:
        device: its profile's name.
        task: its name, or `ALL`.
        found: the comparison of step counts, each at the delay that it takes there.
    """

    device: str
    task: str
    found: Verdict


def device_verdicts(
    report: RunReport, profiles: Sequence[DeviceProfile], control_hz: int
) -> list[DeviceVerdict]:
    """Compare the step counts of each curve on each device, over all tasks and on each.

    Raises:
        UsageError: in the run the world always waits.
    """
    outcomes = outcomes_of(report.records)
    return [
        told
        for profile in profiles
        for of, by_steps in _curves(lookups(report, profile, control_hz), outcomes)
        for told in _verdicts(profile.name, of, by_steps)
    ]


Outcomes = Mapping[Episode, bool]


def _curves(
    found: Sequence[Lookup], outcomes: Mapping[Condition, Outcomes]
) -> Iterator[tuple[Condition, dict[int, Outcomes]]]:
    """What was measured of each curve with several step counts, by these."""
    there = [of for of in found if of.row is not None and of.asked.steps]
    there.sort(key=lambda of: (of.asked.curve, of.asked.steps))
    for _, group in groupby(there, key=lambda of: of.asked.curve):
        points = list(group)
        if len(points) > 1:
            by_steps = {of.asked.steps: outcomes[of.row.condition] for of in points if of.row}
            yield points[0].asked, by_steps


def _verdicts(
    device: str, of: Condition, by_steps: Mapping[int, Outcomes]
) -> Iterator[DeviceVerdict]:
    tasks = sorted({episode[0] for known in by_steps.values() for episode in known})
    for task in (ALL, *(tasks if len(tasks) > 1 else ())):
        some = {
            steps: {e: success for e, success in known.items() if task in (ALL, e[0])}
            for steps, known in by_steps.items()
        }
        yield DeviceVerdict(device, task, verdict(replace(of, steps=0), some))


def steps_markdown(found: Sequence[DeviceVerdict]) -> str:
    """Return the table, and how it is to be read; "" where no curve has several step counts."""
    if not found:
        return ""
    rule = (
        "Each number of steps is looked up at the delay that it takes on the device. Best is the "
        "highest success there; enough are the fewest steps that are shown not to be worse than "
        f"it by more than {100 * MARGIN:.0f} points, on the same episodes."
    )
    return f"{markdown_table(_HEADS, [_line(of) for of in found], words=4)}\n\n{rule}"


def _line(of: DeviceVerdict) -> list[str]:
    found = of.found
    who = " · ".join(filter(None, (found.policy, found.timing)))
    enough = "not resolved" if found.enough is None else str(found.enough)
    rate = percent(found.best_rate)
    return [of.device, who, found.solver, of.task, str(found.best), rate, str(found.n), enough]
