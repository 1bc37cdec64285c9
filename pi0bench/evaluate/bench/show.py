"""The bench's tables and sentences."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from pi0bench.envs.world_protocol import PHYSICS_HZ
from pi0bench.evaluate.bench.costs import CONTROL_HZ, Costs
from pi0bench.evaluate.bench.efficiency import Efficiency
from pi0bench.evaluate.bench.overhead import Overhead
from pi0bench.evaluate.bench.split import SHARES, Split
from pi0bench.report.device_profiles import DeviceProfile
from pi0bench.report.terminal_grid import Column, Line, print_grid

ETA_BAR, STEP_US_BAR = 0.85, 5.0


def show(found: Efficiency, console: Console) -> None:
    """Print what things cost, where the time went, and how near to the limit that is."""
    settings = found.settings
    where = f"{settings.policies[0]} on {settings.tasks[0]} in {settings.engine}"
    _say(console, f"{where}, drawn by {settings.renderer}. What each thing takes, bare:")
    _print(_costs(found.costs), console, "ms")
    _say(console, f"Where the time of {len(found.split.records)} episodes goes, in one process:")
    _print(_split(found.split), console, "s/episode", "%")
    for line in sentences(found):
        _say(console, line)


def sentences(found: Efficiency) -> list[str]:
    """Say how near to the limit the run was, and what the limit is."""
    terms = " + ".join(f"{name} {took_s:.3f}" for name, took_s in found.terms_s.items())
    workers = f"{found.workers} worker{'s' if found.workers > 1 else ''}"
    return [
        f"Limit: C* = {terms} = {found.least_s:.3f} processor seconds an episode; X* = "
        f"{found.limit_hz:.2f} episodes/s with {workers}. {found.bound.capitalize()}-bound.",
        f"Run: {len(found.records)} episodes in {found.wall_s:.1f} s, {found.throughput_hz:.2f} "
        f"episodes/s; {workers}, which took {found.start_s:.1f} s to start, not counted.",
        f"Efficiency: {found.eta:.2f} by the clock (bar: {ETA_BAR}); {found.processor_eta:.2f} by "
        "processor time in one process, which other programs disturb less.",
    ]


def show_overhead(found: Overhead, console: Console) -> None:
    """Print what the harness takes where nothing else does."""
    low, high = min(found.slices_us), max(found.slices_us)
    _say(
        console,
        f"Harness alone: {found.step_us:.1f} µs of processor time a control step (bar: "
        f"{STEP_US_BAR:g}; its tenths from {low:.1f} to {high:.1f}), loop, records and disk, over "
        f"{found.episodes} episodes of {found.env_id} with {found.policy}, {found.steps} steps, "
        "less what environment and plans take; memory grew by "
        f"{found.grown_mb:.1f} MB after the first tenth.",
    )


def show_profiles(found: Sequence[DeviceProfile], console: Console) -> None:
    """Print what the parts of a plan for one robot take, by the clock."""
    names = list(found[0].latency_us)
    lines = [Line((name, *(f"{of.latency_us[name] / 1000:.2f}" for of in found))) for name in names]
    for count in (1, 10):
        whole = (of.plan_us(count) or 0 for of in found)
        what = f"a plan of {count} evaluation{'s' if count > 1 else ''}"
        lines.append(Line((what, *(f"{us / 1000:.2f}" for us in whole)), style="bold"))
    _say(console, f"{found[0].model} on {found[0].device}, ms:")
    columns = [Column("part", "prose"), *(Column(of.statistic) for of in found)]
    print_grid(columns, lines, console)


def _costs(found: Costs) -> list[Line]:
    substeps = PHYSICS_HZ // CONTROL_HZ
    lines = [(f"physics step, of {substeps} a control step", f"{found.step_ms:.4f}")]
    lines += [(f"picture of the {n} camera", f"{ms:.3f}") for n, ms in found.frame_ms.items()]
    lines += [(f"{n}, one row of {found.rows}", f"{ms:.3f}") for n, ms in found.parts_ms.items()]
    evaluation = f"one evaluation of the sampler, one row of {found.rows}"
    return [*map(Line, lines), Line((evaluation, f"{found.evaluation_ms:.3f}"))]


def _split(found: Split) -> list[Line]:
    lines = []
    for share, accounts in SHARES.items():
        lines.append(Line((share, *_numbers(found, found.share_s(share))), style="bold"))
        for account, words in accounts.items():
            lines.append(Line((f"  {words}", *_numbers(found, found.spent_s[account]))))
    return [*lines, Line(("all", *_numbers(found, found.total_s)), style="bold")]


def _numbers(found: Split, took_s: float) -> tuple[str, str]:
    return f"{took_s / len(found.records):.4f}", f"{100 * took_s / found.total_s:.1f}"


def _print(lines: Sequence[Line], console: Console, *columns: str) -> None:
    print_grid([Column("processor time", "prose"), *map(Column, columns)], lines, console)


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)
