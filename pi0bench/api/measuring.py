"""Measuring from Python: what `pi0bench run` and `pi0bench verify` do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pi0bench.api.run_results import Run
from pi0bench.content.folders import add_folders
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.folder_names import folder_name
from pi0bench.evaluate.policy_sources import named
from pi0bench.evaluate.run import run as measure
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.shards import Shard
from pi0bench.evaluate.task_sources import GYMNASIUM
from pi0bench.evaluate.task_sources import suite as tasks_of
from pi0bench.evaluate.verify import Verification
from pi0bench.evaluate.verify import verify as measure_again
from pi0bench.machine.worker_count import processes
from pi0bench.report.terminal_screen import console as standard_output

if TYPE_CHECKING:
    from rich.console import Console

    from pi0bench.policy.policy_protocol import Policy

QUICK = 5
"""Episodes of a task in a quick run."""


def run(
    policies: str | Policy | list[str | Policy] | tuple[str | Policy, ...],
    suite: str = "tabletop",
    *,
    tasks: Sequence[str] = (),
    env_ids: Sequence[str] = (),
    success: Literal["end", "once"] = "end",
    steps: Sequence[int] = (),
    solvers: Sequence[str] = (),
    clocks: Sequence[str] = ("still",),
    delays: Sequence[int] = (0,),
    executes: Sequence[int] = (),
    looks: Sequence[str] = ("fixed",),
    rates: Sequence[int] = (),
    coarsens: Sequence[int] = (1,),
    engine: str = "mujoco",
    renderer: str = "auto",
    episodes: int = 50,
    seed: int = 0,
    variations: Sequence[str] = ("nominal",),
    stop_early: bool = False,
    out: Path | str | None = None,
    workers: int | None = None,
    batch: int = 8,
    video: bool = True,
    shard: str = "",
    executor: str = "local",
    ray_address: str = "",
    allow_incomplete: bool = False,
    content: Iterable[Path | str] = (),
    quiet: bool = False,
    command: str = "",
    console: Console | None = None,
) -> Run:
    """Measure policies, or continue where the same call stopped.

    The arguments are those of `pi0bench run`, whose `--help` tells more of each.

    Args:
        policies: One or several: names, MODULE:NAME for anything that can be imported, openpi://
            addresses, or objects (see `pi0bench.Policy`). An object runs in this process, one
            batch of episodes after the other; all others run in `workers` processes.
        suite: The tasks to measure on.
        tasks: Single tasks, in place of a suite.
        env_ids: Registered Gymnasium environments, in place of a suite.
        success: What `env_ids` take for a success.
        steps: Sampler steps to try; each policy's default when empty.
        solvers: Samplers to try; each policy's default when empty.
        clocks: What goes on while a policy plans: still, hold, async, ensemble, inpaint or rtc.
        delays: Control steps from a look to the plan that is made of it.
        executes: Actions of a plan until the next; each policy's default when empty.
        looks: When the robot looks again: fixed, agree or dip.
        rates: Control steps a second; each policy's own when empty.
        coarsens: Of the points of a plan's trajectory every so many-th is kept.
        engine: mujoco or pybullet.
        renderer: gl, tiny or auto.
        episodes: Start states of each task.
        seed: Of start states and noise.
        variations: Departures from the task files.
        stop_early: End as soon as every policy is shown to differ from the first.
        out: The run's folder; one under runs/ that is named by the settings when None.
        workers: Processes; as many as there are cores when None. Changes no record.
        batch: Episodes that a process runs in lock step. Changes no record.
        video: Film one success and one failure of each policy, task and variation.
        shard: A part of the plan, such as 2/8.
        executor: inline, local or ray.
        ray_address: Of a Ray cluster.
        allow_incomplete: Show tables even when episodes are missing.
        content: Folders with tasks, policies and more of your own.
        quiet: Say nothing.
        command: What the run's manifest says it was asked for by.
        console: Where it is said what happens; standard output, or the notebook, when None.

    Raises:
        Pi0benchError: something that the caller can mend; the message says what would work.

    Examples:
        >>> import pi0bench
        >>> run = pi0bench.run("expert", tasks=["reach_cube"], episodes=2, out=folder, quiet=True)
        >>> run.success(by=["policy"])[["k", "n"]].values.tolist()
        [[2, 2]]
    """
    add_folders(map(Path, content))
    names, objects = named(policies if isinstance(policies, list | tuple) else [policies])
    rule = "" if success == "end" else f"?success={success}"
    single = (*tasks, *(f"{GYMNASIUM}/{name}{rule}" for name in env_ids))
    settings = Settings(
        policies=names,
        tasks=single or tasks_of(suite),
        engine=engine,
        renderer=renderer,
        episodes=episodes,
        steps=tuple(steps),
        solvers=tuple(solvers),
        clocks=tuple(clocks),
        delays=tuple(delays),
        executes=tuple(executes),
        looks=tuple(looks),
        rates=tuple(rates),
        coarsens=tuple(coarsens),
        seed=seed,
        variations=tuple(variations),
        stop_early=stop_early,
    )
    part = Shard.parse(shard) if shard else None
    how = How(
        workers=1 if executor == "inline" else processes(workers),
        batch=batch,
        video=video,
        incomplete=allow_incomplete,
        command=command or f"pi0bench.run({list(names)}, ...)",
        shard=part,
        executor=executor,
        ray_address=ray_address,
    )
    name = folder_name(settings, "" if single else suite)
    if part:
        name += f"-shard{part.part}of{part.of}"
    folder = Path(out) if out is not None else Path("runs") / name
    done = measure(settings, folder, how, console or standard_output(quiet=quiet), objects)
    return Run(folder, allow_incomplete, done.missing, done.report)


def verify(
    run: Path | str | Run,
    episodes: int = 20,
    seed: int = 0,
    workers: int | None = None,
    quiet: bool = False,
    console: Console | None = None,
) -> Verification:
    """Measure some episodes of a run again: each record must come out the same.

    Args:
        run: A run, or its folder.
        episodes: How many, drawn from all its policies.
        seed: Of the draw.
        workers: Processes; as many as there are cores when None.
        quiet: Say nothing.
        console: Where it is said what was found; standard output when None.

    Raises:
        UsageError: there are no records, or what was measured has changed since.
    """
    folder = run.folder if isinstance(run, Run) else Path(run)
    hands = processes(workers)
    said = console or standard_output(quiet=quiet)
    return measure_again(folder, episodes, seed, hands, said)
