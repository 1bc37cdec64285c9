"""The whole toy: train in processes, measure, write tables and pictures."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, as_completed
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import torch

from pi0bench.argument_bounds import bounded
from pi0bench.files.durable import prove_writable, write_atomic
from pi0bench.machine.process_pool import spawned_pool
from pi0bench.random_streams import stream
from pi0bench.toy import world
from pi0bench.toy.fields import Field, learn_fields
from pi0bench.toy.measure import mean, measure
from pi0bench.toy.recipes import JOBS, SHOWN, WAYS, Key, Settings
from pi0bench.toy.report import Results, markdown, print_results
from pi0bench.toy.statements import statements
from pi0bench.toy.worker import Trained, evaluation_starts, train_all

if TYPE_CHECKING:
    from rich.console import Console

TABLE, PATHS, FIELD = "toy.md", "paths.png", "field.png"


def run(out: Path, settings: Settings, workers: int, console: Console) -> Results:
    """Train and measure, print what was found, and write a table and two pictures into `out`.

    Raises:
        UsageError: the seed will not do, or `out` is no folder that can be written.
    """
    bounded("--seed", settings.seed)
    prove_writable(out)
    began = monotonic()

    def say(line: str) -> None:
        console.print(f"{monotonic() - began:5.0f} s  {line}", markup=False, soft_wrap=True)

    trained, fields = _train(settings, workers, say)
    starts, paths = evaluation_starts(settings), _demonstrations(settings)
    for head in trained:
        paths.update(head.paths)
    results = _measure(settings, trained, starts, paths)
    write_atomic(out / TABLE, markdown(results).encode())
    _draw(out, starts, paths, results, fields)
    print_results(results, console)
    for statement in results.statements:
        console.print(f"- {statement}", markup=False, highlight=False)
    say(f"{out}: {TABLE}, {PATHS}, {FIELD}")
    return results


def _train(
    settings: Settings, workers: int, say: Callable[[str], None]
) -> tuple[list[Trained], list[Field]]:
    """Carry out all jobs, each in a process with one thread."""
    jobs = min(workers, len(JOBS) + 1)
    with spawned_pool(jobs, torch.set_num_threads, 1) as pool:
        heads: dict[Future[list[Trained]], tuple[str, ...]] = {}
        for cards in JOBS:
            heads[pool.submit(train_all, cards, settings)] = cards
        field = pool.submit(learn_fields, settings)
        say(f"training {len(WAYS)} ways of making paths, {jobs} at once")
        try:
            trained = []
            for future in as_completed(heads):
                trained += future.result()
                say(f"trained and sampled: {', '.join(heads[future])}")
            return trained, field.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _demonstrations(settings: Settings) -> dict[Key, world.Numbers]:
    """Fresh demonstrations from the evaluation's starts."""
    rng = stream("evaluation", settings.seed, "toy", "shown")
    shown = world.demonstrate(evaluation_starts(settings), rng)
    return {(SHOWN.name, 0): shown.paths}


def _measure(
    settings: Settings,
    trained: list[Trained],
    starts: world.Numbers,
    paths: dict[Key, world.Numbers],
) -> Results:
    rng = stream("evaluation", settings.seed, "toy", "reference")
    reference = world.demonstrate(world.draw_starts(settings.starts, rng), rng).paths
    found = {key: measure(key, starts, made, reference) for key, made in paths.items()}
    passes = {key: count for head in trained for key, count in head.passes.items()}
    bends = {head.card: mean(list(head.bends)) for head in trained if head.bends is not None}
    by_way = {way.name: bends[way.card] for way in WAYS if way.card in bends}
    return Results(settings, found, passes, by_way, statements(found, by_way))


def _draw(
    out: Path,
    starts: world.Numbers,
    paths: dict[Key, world.Numbers],
    results: Results,
    fields: list[Field],
) -> None:
    from pi0bench.toy.field_picture import field_picture
    from pi0bench.toy.pictures import paths_picture

    write_atomic(out / PATHS, paths_picture(starts, paths, results.found))
    write_atomic(out / FIELD, field_picture(fields))
