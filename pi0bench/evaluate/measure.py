"""The two labours of a run: its episodes, and the comparison of chunks of several step counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from pi0bench.envs.episode_protocol import OWN
from pi0bench.evaluate.cells import Settings, rounds
from pi0bench.evaluate.chunk_comparison import REFERENCE_STEPS, conditions
from pi0bench.evaluate.episode_jobs import Measure, Probe, measures
from pi0bench.evaluate.executors import Executor
from pi0bench.evaluate.film_recording import Recordings
from pi0bench.evaluate.jobs import Loss
from pi0bench.evaluate.progress_display import Display
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.stop_early import evidence
from pi0bench.files.durable import append_line
from pi0bench.records.chunk_quality import QUALITY, Quality
from pi0bench.records.chunk_quality import read as read_quality
from pi0bench.records.manifest import stop
from pi0bench.records.policy_roles import roles
from pi0bench.records.record import Cell
from pi0bench.records.run_folder import RunFolder
from pi0bench.stats.confidence_sequences import all_shown


def measure(
    jobs: Sequence[Measure],
    executor: Executor,
    folder: RunFolder,
    console: Console,
    recordings: Recordings | None = None,
) -> None:
    """Run the jobs, put what they give on the disk as it comes, and show how far they are."""
    if not jobs:
        return
    said = set[str]()
    with Display(console, sum(len(job.cells) for job in jobs)) as display:
        for outcome in executor.run(jobs):
            folder.append(outcome.record, outcome.timing)
            display.add(outcome.record.status)
            if outcome.recording is not None and recordings is not None:
                recordings.add(outcome.record, outcome.recording)
            cell = outcome.record.cell
            if outcome.unclean and cell.task not in said:
                said.add(cell.task)
                line = (
                    f"{cell.task}: a reset does not make its environment as good as new (episode "
                    f"{cell.episode} of {cell.policy}, there after a reset, here in a fresh one: "
                    f"{outcome.unclean}), so each episode gets a fresh one."
                )
                console.print(Text(line), soft_wrap=True)


def measure_missing(
    cells: Sequence[Cell],
    settings: Settings,
    executor: Executor,
    folder: RunFolder,
    how: How,
    recordings: Recordings,
    console: Console,
) -> Sequence[Cell]:
    """Measure what is missing, and return the cells that there are to be: fewer, if they decide.

    Args:
        cells: all of the plan, or of the part that was asked for.
        settings: what was asked for.
        executor: runs the episodes.
        folder: holds what is measured.
        how: it is carried out.
        recordings: take what films might be made of, where there are to be some.
        console: where it is said how far it is.
    """
    done: list[Cell] = []
    most = {cell.policy: cell.steps for cell in sorted(cells, key=lambda cell: cell.steps)}
    for part in rounds(cells, settings):
        missing = folder.missing(part)
        jobs = [
            replace(job, film=_filmed(job.cells[0], most)) if how.video else job
            for job in measures(missing, how.batch, how.workers)
        ]
        measure(jobs, executor, folder, console, recordings)
        done += part
        if settings.stop_early and _decided(done, folder, console):
            return done
    return cells


def _filmed(cell: Cell, most_steps: Mapping[str, int]) -> bool:
    """Whether a film might be made of a cell; what draws by itself is drawn when it runs again."""
    return cell.renderer != OWN and cell.steps == most_steps[cell.policy]


def _decided(done: Sequence[Cell], folder: RunFolder, console: Console) -> bool:
    """Whether whole rounds show every condition to differ from the first; if so, note it."""
    if folder.missing(done):
        return False
    so_far = set(done)  # a run that was stopped before holds more than its first rounds
    known = [r for r in folder.records() if r.cell in so_far]
    found = evidence(known, done[0], roles(folder.manifest()))
    if not all_shown(list(found.values())):
        return False
    episodes = 1 + max(cell.episode for cell in done)
    stop(folder.root, done, episodes, found)
    console.print(f"Stopped after {episodes} episodes a task: every difference is shown.")
    return True


def compare_chunks(
    cells: Sequence[Cell], executor: Executor, folder: RunFolder, console: Console
) -> None:
    """Compare the chunks of all step counts with those of many steps, where that is not done."""
    there = {_asked(found) for found in read_quality(folder.root)}
    groups = [group for group in conditions(cells) if not there.issuperset(map(_asked, group))]
    if not groups:
        return
    console.print(f"Comparing chunks with those of {REFERENCE_STEPS} steps.")
    for found in executor.run([Probe(group) for group in groups]):
        if isinstance(found, Loss):
            console.print(Text(found.why), soft_wrap=True)
            continue
        for quality in found:
            append_line(folder.path(QUALITY), quality.to_line())


def _asked(of: Cell | Quality) -> tuple[object, ...]:
    """What a comparison of chunks is about."""
    where = (of.task, of.engine, of.renderer, of.variation, of.seed)
    return (of.policy, of.weights, *where, of.steps, of.solver)
