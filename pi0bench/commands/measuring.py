"""Commands that run episodes, and those that say what could be run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import tyro

from pi0bench.commands.command_line import command, options
from pi0bench.commands.console import console
from pi0bench.content.folders import add_folders
from pi0bench.errors import MachineError, UsageError
from pi0bench.machine.worker_count import processes


def run(
    policy: tuple[str, ...],
    suite: str = "tabletop",
    task: tuple[str, ...] = (),
    env_id: tuple[str, ...] = (),
    success: Literal["end", "once"] = "end",
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
    shard: str = "",
    executor: str = "local",
    ray_address: str = "",
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    stop_early: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    allow_incomplete: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    content: tuple[Path, ...] = (),
) -> int:
    """Measure policies: a table, curves and videos. The same command continues where it stopped.

    Args:
        policy: One or more policies; `pi0bench list` names them. PACKAGE:NAME is another package's,
            openpi://HOST:PORT one on a server.
        suite: The tasks to measure on; robosuite is robosuite's, with the extra of that name.
        task: Single tasks, in place of a suite.
        env_id: Registered Gymnasium environments, in place of a suite; MODULE:ID imports the
            module that registers it.
        success: What --env-id takes for a success: that an episode's last info says so (end), or
            any of its infos (once), which then ends it, and stands behind the task's name.
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
        shard: A part of the plan, such as 2/8, for one of several machines; `pi0bench merge` joins
            the parts, and then the same command without --shard completes them.
        executor: Where episodes run: inline (here, one after the other), local (processes of this
            machine) or ray (needs pi0bench[ray]). Changes no result.
        ray_address: A Ray cluster with the same pi0bench, such as auto, in place of one that is
            started here. Whoever reaches a port of Ray can run any code there.
        quick: Five episodes a task and no videos, unless --episodes says otherwise.
        stop_early: End as soon as every policy that competes is shown to differ from the first one
            named; looks every five episodes by a test that allows it (e-values).
        allow_incomplete: Show tables even when episodes are missing, with worst-case bounds.
        content: Folders with tasks of your own, tasks/SUITE/*.toml in each.
    """
    add_folders(content)
    from pi0bench.evaluate import cells
    from pi0bench.evaluate.run import run as measure
    from pi0bench.evaluate.run_options import How
    from pi0bench.evaluate.shards import Shard
    from pi0bench.evaluate.task_sources import GYMNASIUM
    from pi0bench.evaluate.task_sources import suite as tasks_of

    part = Shard.parse(shard) if shard else None
    rule = "" if success == "end" else f"?success={success}"
    single = (*task, *(f"{GYMNASIUM}/{name}{rule}" for name in env_id))
    settings = cells.Settings(
        policies=policy,
        tasks=single or tasks_of(suite),
        engine=engine,
        renderer=renderer,
        episodes=episodes if episodes is not None else 5 if quick else 50,
        steps=steps,
        solvers=solver,
        seed=seed,
        variations=variation,
        stop_early=stop_early,
    )
    how = How(
        workers=1 if executor == "inline" else processes(workers),
        batch=batch,
        video=video and not quick,
        incomplete=allow_incomplete,
        command=command(),
        shard=part,
        executor=executor,
        ray_address=ray_address,
    )
    name = cells.folder_name(settings, "" if single else suite)
    if part:
        name += f"-shard{part.part}of{part.of}"
    return measure(settings, out or Path("runs") / name, how, console())


def plan(parts: tyro.conf.Positional[int], asked: tyro.conf.Positional[tuple[str, ...]]) -> int:
    """Divide a run among machines that share nothing: print a command for each, and one to join.

    Nothing is measured. For job arrays, and for whatever else starts commands.

    Args:
        parts: How many.
        asked: What `pi0bench run` would be given, after a `--`.
    """
    from pi0bench.evaluate.shards import commands

    given = options(run, asked)
    for option in ("shard", "out", "stop_early"):
        if given.get(option):
            raise UsageError(f"--{option.replace('_', '-')}: no part of a run has it; leave it out")
    for line in commands(parts, asked):
        sys.stdout.write(f"{line}\n")
    return 0


def verify(
    run: tyro.conf.Positional[Path],
    episodes: int = 20,
    seed: int = 0,
    workers: int | None = None,
) -> int:
    """Measure some episodes of a run again: each record must come out the same.

    Args:
        run: A run's folder, a published one such as results/0.1.1/pi0 too.
        episodes: How many, drawn from all its policies.
        seed: Of the draw.
        workers: Processes; as many as there are cores when not given.
    """
    from pi0bench.evaluate.verify import verify as again

    return again(run, episodes, seed, processes(workers), console())


def bench(
    policy: str = "pi0",
    task: str = "stack_two_cubes",
    engine: str = "mujoco",
    renderer: str = "auto",
    episodes: int | None = None,
    workers: int | None = None,
    batch: int = 8,
    env_id: str = "",
) -> int:
    """Measure this machine: what a run takes at least, what it takes, and where the rest goes.

    Nothing is kept. Let nothing else run meanwhile.

    Args:
        policy: The policy; `pi0bench list` names them.
        task: The task.
        env_id: A registered Gymnasium environment, such as CartPole-v1, on which to measure what
            the harness alone takes, and nothing else; give a policy that can act there, such as
            zero.
        engine: Physics: mujoco or pybullet.
        renderer: What draws the policy's pictures: gl (OpenGL), tiny (needs none) or auto.
        episodes: Start states; 200 when not given, 2000 with --env-id.
        workers: Processes; as many as there are cores when not given.
        batch: Episodes that a process runs in lock step.
    """
    from pi0bench.evaluate.bench.efficiency import efficiency
    from pi0bench.evaluate.bench.overhead import EPISODES, overhead
    from pi0bench.evaluate.bench.show import show, show_overhead
    from pi0bench.evaluate.cells import Settings

    screen = console()
    if env_id:
        show_overhead(overhead(env_id, policy, episodes or EPISODES), screen)
        return 0
    settings = Settings((policy,), (task,), engine, renderer, episodes or 200)
    show(efficiency(settings, processes(workers), batch), screen)
    show_overhead(overhead(), screen)
    return 0


def retime(run: tyro.conf.Positional[Path], episodes: int = 3) -> int:
    """Measure a run's milliseconds again, one plan at a time; its records stay as they are.

    For runs that other programs have slowed down. Let nothing else run meanwhile.

    Args:
        run: The run's folder.
        episodes: Of each task under each condition; the times of all others are forgotten.
    """
    from pi0bench.evaluate.retime import retime as measure

    measure(run, episodes, console())
    return 0


def list_(content: tuple[Path, ...] = ()) -> int:
    """List policies, suites, tasks and variations; nothing of other packages is imported.

    Args:
        content: Folders with tasks of your own, tasks/SUITE/*.toml in each.
    """
    add_folders(content)
    from pi0bench.policies import registry
    from pi0bench.report.terminal_grid import Column, Line, print_grid
    from pi0bench.tasks import task_files
    from pi0bench.tasks import variation_files as variation

    screen = console()
    for title, rows in {
        "policies": [(name, registry.summary(name)) for name in registry.names()],
        "suites": [
            (name, f"{words} {', '.join(task.id for task in task_files.suite(name))}")
            for name, words in task_files.suites().items()
        ],
        "tasks": [(name, task_files.task(name).summary) for name in task_files.task_ids()],
        "variations": variation.described(),
    }.items():
        screen.print(title, style="italic")
        print_grid([Column("", "name"), Column("", "prose")], [*map(Line, rows)], screen)
    return 0


def check(
    paths: tyro.conf.Positional[tuple[Path, ...]] = (), content: tuple[Path, ...] = ()
) -> int:
    """Check task files: read them, and reset each task 50 times in both engines.

    Args:
        paths: Task files, or folders of them; all of the benchmark's when not given, and then
            also its paraphrases and variations.
        content: Folders with tasks of your own, tasks/SUITE/*.toml in each, whose suites count.
    """
    add_folders(content)
    from pi0bench.evaluate.check_tasks import check as examine

    screen = console()
    problems = examine(paths, say=lambda line: screen.print(line, markup=False, soft_wrap=True))
    return UsageError.exit_code if problems else 0


def doctor() -> int:
    """Look at this machine: packages, renderers, video, weights, cores, disk and GPU."""
    from pi0bench.doctor import examine, lacking, print_findings

    found = examine()
    print_findings(found, console())
    return MachineError.exit_code if lacking(found) else 0
