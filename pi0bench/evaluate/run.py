"""A run from settings to a folder of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from pi0bench.envs.physics import ENGINES
from pi0bench.envs.render.choose_renderer import NAMES, choose
from pi0bench.errors import IncompleteError, Pi0benchError, UsageError, unknown
from pi0bench.evaluate import executors, policy_sources, provenance, run_output
from pi0bench.evaluate.cells import Settings, expand, holds
from pi0bench.evaluate.fault_attribution import describe
from pi0bench.evaluate.film_recording import Recordings
from pi0bench.evaluate.interrupts import gently
from pi0bench.evaluate.measure import compare_chunks, measure_missing
from pi0bench.evaluate.run_announcement import announcement, of_this_process
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.task_sources import GYMNASIUM, Task, task
from pi0bench.files.durable import prove_writable
from pi0bench.machine.package_versions import outside
from pi0bench.policy.policy_protocol import Policy
from pi0bench.records.record import STILL, USUAL_HZ, Cell
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.run_report import RunReport
from pi0bench.task.task_spec import TaskSpec
from pi0bench.task.variation_files import NOMINAL, variation


@dataclass(frozen=True)
class Measured:
    """What a run came to.

    Attributes:
        folder: holds it.
        missing: episodes of the plan, or of the part that was asked for, that are not measured.
        report: what was told of it; None where nothing was.
    """

    folder: Path
    missing: int
    report: RunReport | None

    @property
    def exit_code(self) -> int:
        """0, or 3 when some episodes could not be measured."""
        return IncompleteError.exit_code if self.missing else 0


def run(
    settings: Settings,
    out: Path,
    how: How,
    console: Console,
    objects: Mapping[str, Policy] | None = None,
) -> Measured:
    """Measure what is missing in the folder `out`, write and print its results.

    Args:
        settings: what is asked for.
        out: the run's folder.
        how: it is carried out.
        console: where it is said what happens.
        objects: policies that only this process has, by the names that the settings give them.

    Raises:
        Pi0benchError: something that the user can mend.
    """
    objects = objects or {}
    _check_names(settings, objects)
    tasks = list({found.id: found for found in map(task, settings.tasks)}.values())
    settings = replace(settings, tasks=tuple(found.id for found in tasks))  # one name for each
    prove_writable(out)  # before weights are loaded, which takes longer
    settings, makeshift = _in_world(settings, tasks)
    policies = {
        name: objects.get(name) or policy_sources.load(name, settings.engine)
        for name in settings.policies
    }
    traits = {name: policy.traits for name, policy in policies.items()}
    cells = expand(settings, traits, tasks)
    manifest = provenance.manifest(settings, policies, objects, tasks, how.command)
    part = cells
    if how.shard:
        if settings.stop_early:
            raise UsageError("--stop-early: looks at all policies' episodes; a --shard has few")
        part, manifest = how.shard.pick(cells), {**manifest, "shard": str(how.shard)}

    def grows(there: Mapping[str, Any]) -> bool:
        return holds(settings, there, traits, tasks)

    with RunFolder.open(out, manifest, cells, grows) as folder:
        planned = announcement(settings, policies, part, folder.missing(part), how, out)
        for line in [makeshift, *planned, *of_this_process(objects)]:
            if line:
                _say(console, line)
        made = executors.make(how.workers, policies, how.executor, how.ray_address, objects)
        with closing(made) as executor:

            def drain() -> None:
                _say(console, "Finishing what runs; once more stops at once.")
                executor.drain()

            with gently(drain):
                recordings = Recordings()
                part = measure_missing(part, settings, executor, folder, how, recordings, console)
                whole = how.shard is None and not folder.missing(part)
                if whole:
                    with _spared("chunks could not be compared", console):
                        compare_chunks(part, executor, folder, console)
                folder.finish()
                show = whole or how.incomplete
                read = run_output.write(folder, console, how.incomplete) if show else None
                if whole and how.video:
                    with _spared("videos could not be made", console):
                        films = run_output.films(folder, part, recordings)
                        for line in run_output.write_videos(folder, films, executor):
                            _say(console, line)
                if read:
                    with _spared("the page could not be made", console):
                        run_output.write_page(folder, *read)
        _say(console, run_output.contents(folder))
        if strange := outside():
            _say(console, f"Digits may differ from published ones: {'; '.join(strange)}.")
        missing = _unmeasured(folder, part, how.incomplete, console)
        return Measured(out, missing, read[0] if read else None)


def _in_world(settings: Settings, tasks: Sequence[Task]) -> tuple[Settings, str]:
    """The settings with the physics and the renderer that the tasks take place in; see `choose`.

    Raises:
        UsageError: the tasks take place in several, or cannot be varied as is asked.
    """
    worlds = {(t.engine, t.renderer) for t in tasks if not isinstance(t, TaskSpec)}
    if not worlds:
        chosen, makeshift = choose(settings.renderer, settings.engine)
        return replace(settings, renderer=chosen), makeshift
    if len(worlds) > 1 or any(isinstance(t, TaskSpec) for t in tasks):
        raise UsageError("--task: these take place in several worlds; give each a run of its own")
    if settings.variations != (NOMINAL.name,):
        raise UsageError("--variation: only the benchmark's own tasks can be varied")
    ((engine, renderer),) = worlds
    if settings.rates:
        raise UsageError("--control-hz: only the benchmark's own tasks have several rates")
    if engine == GYMNASIUM and settings.clocks != (STILL,):
        raise UsageError(
            f"--clock: of an action of {settings.tasks[0]} nobody knows how it holds still; tasks "
            "of the benchmark's own or robosuite's would work"
        )
    if engine == GYMNASIUM and "agree" in settings.looks:
        raise UsageError(
            f"--look agree: of an action of {settings.tasks[0]} nobody knows how far it moves; "
            "tasks of the benchmark's own or robosuite's would work"
        )
    rates = () if engine == GYMNASIUM else (USUAL_HZ,)
    return replace(settings, engine=engine, renderer=renderer, rates=rates), ""


def _check_names(settings: Settings, objects: Mapping[str, Policy]) -> None:
    if settings.engine not in ENGINES:
        raise UsageError(unknown("engine", settings.engine, ENGINES))
    if settings.renderer not in (known := (*NAMES, "auto")):
        raise UsageError(unknown("renderer", settings.renderer, known))
    for name in settings.variations:
        variation(name)
    for name in settings.policies:
        if name not in objects:
            policy_sources.check(name)
    several = (settings.policies, settings.steps, settings.solvers, settings.variations)
    several += (settings.clocks, settings.delays, settings.executes)
    several += (settings.looks, settings.rates, settings.coarsens)
    if settings.stop_early and max(map(len, several)) < 2:
        raise UsageError("--stop-early: compares with the first policy; name another one")


@contextmanager
def _spared(what: str, console: Console) -> Iterator[None]:
    """Say what could not be had when this fails: a run has its episodes and tables all the same."""
    try:
        yield
    except (Exception, SystemExit) as error:
        why = str(error) if isinstance(error, Pi0benchError) else describe(error)
        _say(console, f"{what}: {why}; results are unaffected, and the same command tries again.")


def _unmeasured(folder: RunFolder, cells: Sequence[Cell], shown: bool, console: Console) -> int:
    """How many episodes are not measured, having said which and why."""
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
    if not shown:
        _say(console, "There is no table meanwhile; --allow-incomplete shows one, with bounds.")
    return len(keys)


def _say(console: Console, line: str) -> None:
    console.print(Text(line), soft_wrap=True)  # so that a path is never broken
