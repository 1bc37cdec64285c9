"""What a run says before it begins: what it is going to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pi0bench.evaluate.cells import Settings, left_out
from pi0bench.evaluate.run_options import How
from pi0bench.policy.policy_protocol import Policy
from pi0bench.records.record import FIXED_LOOK, STILL, Cell


def announcement(
    settings: Settings,
    policies: Mapping[str, Policy],
    cells: Sequence[Cell],
    missing: Sequence[Cell],
    how: How,
    out: Path,
) -> list[str]:
    """Say what is going to happen, in lines.

    Args:
        settings: of the run.
        policies: all of them, loaded.
        cells: the plan, or the part of it that is asked for.
        missing: of these, what is still to be measured.
        how: it is carried out.
        out: the run's folder.
    """
    unstepped = [name for name, policy in policies.items() if policy.traits.steps == 0]
    lines = []
    if settings.steps and unstepped:
        lines.append(f"{', '.join(unstepped)}: no sampler, so --steps does not apply.")
    for name, policy in policies.items():
        if policy.traits.about:
            lines.append(f"{name}: {policy.traits.about}.")
        new = [t for t in settings.tasks if t not in policy.traits.learned]
        if policy.traits.learned and new:
            lines.append(f"{name}: was not trained on {', '.join(new)}.")
    problems = left_out(settings, {name: policy.traits for name, policy in policies.items()})
    lines += [f"Left out: {said}." for said in problems]
    counts = sorted({cell.steps for cell in cells} - {0})
    stepped = f", {'/'.join(map(str, counts))} sampler steps" if counts else ""
    stepped += f" of {', '.join(settings.solvers)}" if settings.solvers else ""
    if settings.clocks != (STILL,):
        delays = "/".join(map(str, settings.delays))
        stepped += f", {', '.join(settings.clocks)} with plans {delays} control steps late"
    if settings.executes:
        stepped += f", {'/'.join(map(str, settings.executes))} actions of each plan"
    if settings.looks != (FIXED_LOOK,):
        stepped += f", looks by {', '.join(settings.looks)}"
    if settings.rates:
        stepped += f", at {'/'.join(map(str, settings.rates))} Hz"
    if settings.coarsens != (1,):
        stepped += f", plans coarsened by {'/'.join(map(str, settings.coarsens))}"
    varied = ", ".join(settings.variations)
    stepped += "" if varied == "nominal" else f", variations {varied}"
    part = f", part {how.shard} of the plan" if how.shard else ""
    lines.append(
        f"{len(cells)} episodes{part}: "
        f"{', '.join(settings.policies)} on {', '.join(settings.tasks)} "
        f"({settings.episodes} each{stepped}) in {settings.engine}, drawn by {settings.renderer}, "
        f"{how.hands}, into {out}"
    )
    if len(missing) < len(cells):
        lines.append(f"{len(cells) - len(missing)} are already there; {len(missing)} to go.")
    return lines


def of_this_process(objects: Iterable[str]) -> list[str]:
    """Say where policies run that only this process has; nothing where there are none."""
    names = ", ".join(objects)
    return [f"{names}: of this process alone, so one worker, here."] if names else []
