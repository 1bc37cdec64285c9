"""The bench's tables and sentences."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pi0bench.envs.world import PHYSICS_HZ
from pi0bench.evaluate.bench.costs import CONTROL_HZ, Costs
from pi0bench.evaluate.bench.efficiency import Efficiency
from pi0bench.evaluate.bench.overhead import Overhead
from pi0bench.evaluate.bench.split import SHARES, Split

ETA_BAR, STEP_US_BAR = 0.85, 5.0


def show(found: Efficiency, console: Console) -> None:
    """Print what things cost, where the time went, and how near to the limit that is."""
    settings = found.settings
    where = f"{settings.policies[0]} on {settings.tasks[0]} in {settings.engine}"
    _say(console, f"{where}, drawn by {settings.renderer}. What each thing takes, bare:")
    console.print(_costs(found.costs))
    _say(console, f"Where the time of {len(found.split.records)} episodes goes, in one process:")
    console.print(_split(found.split))
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


def _costs(found: Costs) -> Table:
    table = _table("ms")
    substeps = PHYSICS_HZ // CONTROL_HZ
    table.add_row(f"physics step, of {substeps} a control step", f"{found.step_ms:.4f}")
    for name, took_ms in found.frame_ms.items():
        table.add_row(f"picture of the {name} camera", f"{took_ms:.3f}")
    for name, took_ms in found.parts_ms.items():
        table.add_row(f"{name}, one row of {found.rows}", f"{took_ms:.3f}")
    table.add_row(
        f"one evaluation of the sampler, one row of {found.rows}", f"{found.evaluation_ms:.3f}"
    )
    return table


def _split(found: Split) -> Table:
    table = _table("s/episode", "%")
    for share, accounts in SHARES.items():
        table.add_row(share, *_numbers(found, found.share_s(share)), style="bold")
        for account, words in accounts.items():
            table.add_row(f"  {words}", *_numbers(found, found.spent_s[account]))
    table.add_row("all", *_numbers(found, found.total_s), style="bold")
    return table


def _numbers(found: Split, took_s: float) -> tuple[str, str]:
    return f"{took_s / len(found.records):.4f}", f"{100 * took_s / found.total_s:.1f}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("processor time")
    for name in columns:
        table.add_column(name, justify="right")
    return table


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)
