"""The command line: maps arguments to functions, and errors to exit codes; it decides nothing."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

import pi0bench
from pi0bench.errors import MachineError, Pi0benchError, UsageError
from pi0bench.workers import processes

if TYPE_CHECKING:
    from rich.console import Console

_INTERNAL = 1
_INTERRUPTED = 130
_PIPE_COLUMNS = 100


def run(
    policy: tuple[str, ...],
    suite: str = "tabletop",
    task: tuple[str, ...] = (),
    steps: tuple[int, ...] = (),
    solver: tuple[str, ...] = (),
    engine: str = "mujoco",
    renderer: str = "auto",
    episodes: int | None = None,
    workers: int | None = None,
    batch: int = 8,
    seed: int = 0,
    variation: tuple[str, ...] = ("nominal",),
    out: Path | None = None,
    video: bool = True,
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Measure policies: a table, curves and videos. The same command continues where it stopped.

    Args:
        policy: One or more policies; `pi0bench list` names them.
        suite: The tasks to measure on.
        task: Single tasks, in place of a suite.
        steps: Sampler steps to try; each policy's own default when not given.
        solver: Samplers to try, such as euler, heun or ddim; each policy's own default when not
            given, and of those given the ones that it can use.
        engine: Physics: mujoco or pybullet.
        renderer: What draws the policies' pictures: gl (OpenGL), tiny (needs none) or auto.
        episodes: Start states of each task; 50 when not given.
        workers: Processes; as many as there are cores when not given. Changes no result.
        batch: Episodes that a process runs in lock step. Changes no result.
        seed: Of start states and noise.
        variation: Departures from the task files, such as light-2; `pi0bench list` names them.
        out: Folder of the run; when not given, one under runs/ that is named by the settings.
        video: Film one success and one failure of each policy, task and variation.
        quick: Five episodes a task and no videos, unless --episodes says otherwise.
    """
    from pi0bench.evaluate import cells
    from pi0bench.evaluate.run import How
    from pi0bench.evaluate.run import run as measure
    from pi0bench.tasks.load import suite as load_suite

    settings = cells.Settings(
        policies=policy,
        tasks=task or tuple(spec.id for spec in load_suite(suite)),
        engine=engine,
        renderer=renderer,
        episodes=episodes if episodes is not None else 5 if quick else 50,
        steps=steps,
        solvers=solver,
        seed=seed,
        variations=variation,
    )
    how = How(
        workers=processes(workers),
        batch=batch,
        video=video and not quick,
        command=shlex.join(["pi0bench", *sys.argv[1:]]),
    )
    folder = out or Path("runs") / cells.folder_name(settings, "" if task else suite)
    return measure(settings, folder, how, _console())


def list_() -> int:
    """List policies, suites, tasks and variations."""
    from rich.table import Table

    from pi0bench.envs import variation
    from pi0bench.policies import registry
    from pi0bench.tasks import load

    console = _console()
    for title, rows in {
        "policies": [(name, registry.summary(name)) for name in registry.names()],
        "suites": [
            (name, f"{words} {', '.join(task.id for task in load.suite(name))}")
            for name, words in load.suites().items()
        ],
        "tasks": [(name, load.task(name).summary) for name in load.task_ids()],
        "variations": variation.described(),
    }.items():
        table = Table(title=title, title_justify="left", box=None, show_header=False)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    return 0


# One line a command; what a command does lives in the module that it calls.
def check(paths: tyro.conf.Positional[tuple[Path, ...]] = ()) -> int:
    """Check task files: read them, and reset each task 50 times in both engines.

    Args:
        paths: Task files, or folders of them; all of the benchmark's when not given, and then
            also its paraphrases and variations.
    """
    from pi0bench.evaluate.check import check as examine

    console = _console()
    problems = examine(paths, say=lambda line: console.print(line, markup=False, soft_wrap=True))
    return UsageError.exit_code if problems else 0


def demos(
    suite: tuple[str, ...] = ("tabletop",),
    episodes: int = 300,
    out: Path = Path("data/demos.npz"),
    seed: int = 0,
    workers: int | None = None,
) -> int:
    """Record the expert's demonstrations into one file. The same command continues.

    Args:
        suite: The suites to demonstrate.
        episodes: Start states of each task.
        out: The file; states and clean actions, no pictures.
        seed: Of start states and disturbances; no evaluation can draw the same ones.
        workers: Processes; as many as there are cores when not given. Changes no result.
    """
    from pi0bench.train.pipeline import demonstrations

    demonstrations(suite, episodes, out, seed, processes(workers), _console())
    return 0


def train(
    name: tyro.conf.Positional[tuple[str, ...]] = (),
    group: str | None = None,
    data: Path = Path("data"),
    workers: int | None = None,
    device: str = "cpu",
) -> int:
    """Train eyes or a policy by its card in policies/; killed and run again, it continues.

    Args:
        name: Folders of policies/, such as eyes or pi0.
        group: Every policy of a comparison group, such as heads, in place of names.
        data: Folder of what is learned from; what is missing there is made first.
        workers: Processes and threads; as many as there are cores when not given.
        device: cpu or cuda; training from ready files needs no simulator.
    """
    from pi0bench.train.pipeline import members
    from pi0bench.train.pipeline import train as fit

    if not name and group is None:
        raise UsageError("train: name a folder of policies/, or a --group")
    for each in (*name, *(members(group) if group else ())):
        fit(each, data, processes(workers), _console(), device)
    return 0


def report(folder: tyro.conf.Positional[Path]) -> int:
    """Write the tables and figures of a run, or of published results, again from their records.

    Args:
        folder: A run's folder, or one of published runs such as results/0.1.
    """
    from pi0bench.results.publish import report as write

    for path in write(folder):
        _console().print(str(path), markup=False, highlight=False, soft_wrap=True)
    return 0


def compare(
    run: tyro.conf.Positional[tuple[Path, ...]],
    policy: tuple[str, ...] = (),
    steps: tuple[int, ...] = (),
) -> int:
    """Compare policies on the episodes that they share: differences, tests, and what n resolves.

    Args:
        run: Folders of runs, a user's or published ones.
        policy: Only these policies; all when not given.
        steps: Only these sampler steps, and policies without a sampler; all when not given.
    """
    from pi0bench.results.compare import compare as judge
    from pi0bench.results.compare import select
    from pi0bench.results.comparison import print_comparison
    from pi0bench.results.store import RunFolder

    records = {str(folder): RunFolder(folder).records() for folder in run}
    print_comparison(judge(select(records, policy, steps)), _console())
    return 0


def publish(run: tyro.conf.Positional[tuple[Path, ...]], out: Path) -> int:
    """Put finished runs side by side, with their records, and write the pages of all of them.

    Args:
        run: Folders of runs; each is published under its own name.
        out: The folder of the results, such as results/0.1.
    """
    from pi0bench.results.publish import publish as put

    for path in put(run, out):
        _console().print(str(path), markup=False, highlight=False, soft_wrap=True)
    return 0


def gallery(
    suite: str | None = None, task: tuple[str, ...] = (), out: Path = Path("gallery.png")
) -> int:
    """Draw every task: start, middle and end of the expert's episode in both engines.

    Args:
        suite: The tasks to draw; all of the benchmark's when not given.
        task: Single tasks, in place of a suite.
        out: The picture, a PNG file.
    """
    from pi0bench.evaluate.gallery import gallery as draw
    from pi0bench.tasks import load

    tasks = load.suite(suite) if suite else tuple(map(load.task, load.task_ids()))
    chosen = tuple(map(load.task, task)) or tasks
    console = _console()
    draw(chosen, out, say=lambda line: console.print(line, markup=False, soft_wrap=True))
    return 0


def toy(out: Path = Path("runs/toy"), seed: int = 0, workers: int | None = None) -> int:
    """Every way of sampling on a problem to look at: two-dimensional navigation past a wall.

    Args:
        out: Folder for the table and the two pictures.
        seed: Of everything random.
        workers: Processes; as many as there are cores when not given. Changes no result.
    """
    from pi0bench.toy.recipes import Settings
    from pi0bench.toy.run import run as play

    play(out, Settings(seed=seed), processes(workers), _console())
    return 0


def doctor() -> int:
    """Look at this machine: packages, renderers, video, weights, cores, disk and GPU."""
    from pi0bench.doctor import examine, lacking, print_findings

    found = examine()
    print_findings(found, _console())
    return MachineError.exit_code if lacking(found) else 0


COMMANDS: dict[str, Callable[..., int]] = {
    "run": run,
    "list": list_,
    "report": report,
    "compare": compare,
    "publish": publish,
    "check": check,
    "gallery": gallery,
    "demos": demos,
    "train": train,
    "toy": toy,
    "doctor": doctor,
}


def _console() -> Console:
    """Standard output; in a file or a pipe, as wide as the tables need."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS)


def main(args: Sequence[str] | None = None) -> int:
    """Carry out a command line and return its exit code; tyro's own usage errors exit with 2."""
    args = list(sys.argv[1:] if args is None else args)
    if args == ["--version"]:
        sys.stdout.write(f"pi0bench {pi0bench.__version__}\n")
        return 0
    try:
        return tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog="pi0bench", description=pi0bench.__doc__, args=args
        )
    except Pi0benchError as error:
        sys.stderr.write(f"pi0bench: {error}\n")
        return error.exit_code
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        sys.stderr.write(
            f"pi0bench: internal error: {type(error).__name__}: {error} "
            f"({Path(at.filename).name}:{at.lineno}); please report it\n"
        )
        return _INTERNAL
    except KeyboardInterrupt:
        sys.stderr.write("pi0bench: interrupted; the same command continues\n")
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
