"""A run from settings to a folder of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pi0bench.envs.render.choose import NAMES, choose
from pi0bench.envs.tabletop import ENGINES
from pi0bench.envs.variation import variation
from pi0bench.errors import IncompleteError, UsageError, unknown
from pi0bench.evaluate import executors, provenance, report
from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.display import Display
from pi0bench.evaluate.interrupts import gently
from pi0bench.evaluate.probe import REFERENCE_STEPS, conditions
from pi0bench.evaluate.worker import Measure, Probe, measures
from pi0bench.policies import registry
from pi0bench.policies.policy import Policy
from pi0bench.results.files import append_line, prove_writable
from pi0bench.results.quality import QUALITY, Quality
from pi0bench.results.quality import read as read_quality
from pi0bench.results.record import Cell
from pi0bench.results.store import RunFolder
from pi0bench.tasks.load import task as load_task


@dataclass(frozen=True)
class How:
    """How a run is carried out; none of it changes a record.

    Attributes:
        workers: processes.
        batch: episodes that a process runs in lock step.
        video: whether to make videos.
        command: the command line that asked for it.
    """

    workers: int = 1
    batch: int = 8
    video: bool = True
    command: str = ""

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise UsageError(f"--batch: {self.batch} is too few; give a number from 1")


def run(settings: Settings, out: Path, how: How, console: Console) -> int:
    """Measure what is missing in the folder `out`, write and print its results.

    Returns:
        The exit code: 0, or 3 when some episodes could not be measured.
    """
    _check_names(settings)
    tasks = [load_task(name) for name in settings.tasks]
    prove_writable(out)  # before weights are loaded, which takes longer
    policies = {name: registry.load(name) for name in settings.policies}
    chosen, makeshift = choose(settings.renderer, settings.engine)
    settings = replace(settings, renderer=chosen)
    traits = {name: policy.traits for name, policy in policies.items()}
    cells = expand(settings, traits, tasks)
    manifest = provenance.manifest(settings, traits, tasks, how.command)
    with RunFolder.open(out, manifest, cells) as folder:
        provenance.must_match(folder.manifest(), manifest, str(out))
        missing = folder.missing(cells)
        for line in [makeshift, *_plan(settings, policies, cells, missing, how, out)]:
            if line:
                _say(console, line)
        jobs = measures(missing, how.batch, how.workers)
        with closing(executors.make(how.workers, policies)) as executor:

            def drain() -> None:
                _say(console, "Finishing what runs; once more stops at once.")
                executor.drain()

            with gently(drain):
                measure(jobs, executor, folder, console)
                _probe(cells, executor, folder, console)
                folder.finish()
                report.write(folder, console)
                films = report.films(folder, cells) if how.video else []
                for line in report.write_videos(folder, films, executor):
                    _say(console, line)
        _say(console, report.contents(folder))
        return _verdict(folder, cells, console)


def _check_names(settings: Settings) -> None:
    if settings.engine not in ENGINES:
        raise UsageError(unknown("engine", settings.engine, ENGINES))
    if settings.renderer not in (known := (*NAMES, "auto")):
        raise UsageError(unknown("renderer", settings.renderer, known))
    for name in settings.variations:
        variation(name)
    for name in settings.policies:
        if name not in registry.names():
            raise UsageError(unknown("policy", name, registry.names()))


def _plan(
    settings: Settings,
    policies: Mapping[str, Policy],
    cells: Sequence[Cell],
    missing: Sequence[Cell],
    how: How,
    out: Path,
) -> list[str]:
    """Say what is going to happen."""
    unstepped = [name for name, policy in policies.items() if policy.traits.steps == 0]
    lines = []
    if settings.steps and unstepped:
        lines.append(f"{', '.join(unstepped)}: no sampler, so --steps does not apply.")
    counts = sorted({cell.steps for cell in cells} - {0})
    stepped = f", {'/'.join(map(str, counts))} sampler steps" if counts else ""
    stepped += f" of {', '.join(settings.solvers)}" if settings.solvers else ""
    varied = ", ".join(settings.variations)
    stepped += "" if varied == "nominal" else f", variations {varied}"
    lines.append(
        f"{len(cells)} episodes: {', '.join(settings.policies)} on {', '.join(settings.tasks)} "
        f"({settings.episodes} each{stepped}) in {settings.engine}, drawn by {settings.renderer}, "
        f"{how.workers} worker{'s' if how.workers > 1 else ''}, into {out}"
    )
    if len(missing) < len(cells):
        lines.append(f"{len(cells) - len(missing)} are already there; {len(missing)} to go.")
    return lines


def measure(
    jobs: Sequence[Measure], executor: executors.Executor, folder: RunFolder, console: Console
) -> None:
    """Run the jobs, put what they give on the disk as it comes, and show how far they are."""
    if not jobs:
        return
    with Display(console, sum(len(job.cells) for job in jobs)) as display:
        for outcomes in executor.run(jobs):
            for outcome in outcomes:
                folder.append(outcome.record, outcome.timing)
            display.add(outcomes)


def _probe(
    cells: Sequence[Cell], executor: executors.Executor, folder: RunFolder, console: Console
) -> None:
    """Compare the chunks of all step counts with those of many steps, where that is not done."""
    there = {_asked(found) for found in read_quality(folder.root)}
    groups = [group for group in conditions(cells) if not there.issuperset(map(_asked, group))]
    if not groups:
        return
    _say(console, f"Comparing chunks with those of {REFERENCE_STEPS} steps.")
    for found in executor.run([Probe(group) for group in groups]):
        for quality in found:
            append_line(folder.path(QUALITY), quality.to_line())


def _asked(of: Cell | Quality) -> tuple[object, ...]:
    """What a comparison of chunks is about."""
    where = (of.task, of.engine, of.renderer, of.variation, of.seed)
    return (of.policy, of.weights, *where, of.steps, of.solver)


def _verdict(folder: RunFolder, cells: Sequence[Cell], console: Console) -> int:
    """Return the exit code, having said which episodes are not measured and why."""
    keys = {cell.key() for cell in folder.missing(cells)}
    if not keys:
        return 0
    faults = Counter(
        f"{record.status}: {record.fault}"
        for record in folder.records()
        if record.cell.key() in keys
    )
    _say(console, f"{len(keys)} episodes were not measured; the same command tries again:")
    for fault, count in faults.most_common(5):
        _say(console, f"  {count} times {fault}")
    return IncompleteError.exit_code


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)  # so that a path is never broken
