"""`pi0bench run`: policies, measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

from pi0bench.commands.command_line import command
from pi0bench.commands.machine_readable import print_json, write_junit
from pi0bench.commands.printed_paths import say_paths
from pi0bench.errors import UsageError
from pi0bench.report.terminal_screen import console


def run(
    policy: tuple[str, ...],
    suite: str = "tabletop",
    task: tuple[str, ...] = (),
    env_id: tuple[str, ...] = (),
    success: Literal["end", "once"] = "end",
    steps: tuple[int, ...] = (),
    solver: tuple[str, ...] = (),
    clock: tuple[str, ...] = ("still",),
    delay: tuple[int, ...] = (0,),
    execute: tuple[int, ...] = (),
    look: tuple[str, ...] = ("fixed",),
    control_hz: tuple[int, ...] = (),
    coarsen: tuple[int, ...] = (1,),
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
    device_profile: tuple[str, ...] = (),
    quick: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    stop_early: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    allow_incomplete: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    content: tuple[Path, ...] = (),
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    junit: Path | None = None,
) -> int:
    """Measure policies: a table, curves and videos. The same command continues where it stopped.

    Args:
        policy: One or more policies; `pi0bench list` names them. PACKAGE:NAME is another package's,
            MODULE:NAME anything that can be imported, openpi://HOST:PORT one on a server.
        suite: The tasks to measure on; robosuite is robosuite's, with the extra of that name.
        task: Single tasks, in place of a suite.
        env_id: Registered Gymnasium environments, in place of a suite; MODULE:ID imports the
            module that registers it.
        success: What --env-id takes for a success: that an episode's last info says so (end), or
            any of its infos (once), which then ends it, and stands behind the task's name.
        steps: Sampler steps to try; each policy's own default when not given.
        solver: Samplers to try, such as euler, heun or ddim; each policy's own default when not
            given, and of those given the ones that it can use.
        clock: What goes on while a policy plans: still (the world waits), hold (the robot holds
            still), async (the plan before goes on), ensemble (and the mean of all plans is carried
            out), inpaint (and is given to the next one) or rtc (and draws the next one to itself).
            The last two guide flow matching, average velocities and diffusion alone.
        delay: Control steps from a look to the plan that is made of it, one or several, for all
            clocks but still.
        execute: Actions of a plan until the next, one or several; each policy's own number when not
            given.
        look: When the robot looks again: fixed (after so many actions), agree (after more of them
            while plans agree with those before, from a quarter to all) or dip (where a plan's speed
            dips).
        control_hz: Control steps a second, one or several, such as 10 20 25 50; each policy's own
            when not given. Plans of another rate are joined smoothly.
        coarsen: Of the points of a plan's trajectory only every so many-th is kept, one or several.
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
        device_profile: Devices, such as rtx4090-pi05; of each a table says what is reached at the
            delay that it takes, looked up among those of --delay.
        quick: Five episodes a task and no videos, unless --episodes says otherwise.
        stop_early: End as soon as every policy that competes is shown to differ from the first one
            named; looks every five episodes by a test that allows it (e-values).
        allow_incomplete: Show tables even when episodes are missing, with worst-case bounds.
        content: Folders with content of your own: tasks, objects, variations, policies, heads.
        json: Print the results as JSON, and all else on standard error.
        junit: A file for the results as JUnit XML.
    """
    from pi0bench.api import measuring
    from pi0bench.report.device_profiles import device_profile as profile_of

    devices = [profile_of(name) for name in device_profile]
    if devices and clock == ("still",):
        raise UsageError("--device-profile: takes a --clock other than still, and several --delay")
    if shard and (json or junit):
        raise UsageError("--shard: a part has no results; merge the parts, and ask the whole run")
    done = measuring.run(
        policy,
        suite,
        tasks=task,
        env_ids=env_id,
        success=success,
        steps=steps,
        solvers=solver,
        clocks=clock,
        delays=delay,
        executes=execute,
        looks=look,
        rates=control_hz,
        coarsens=coarsen,
        engine=engine,
        renderer=renderer,
        episodes=episodes if episodes is not None else measuring.QUICK if quick else 50,
        seed=seed,
        variations=variation,
        stop_early=stop_early,
        out=out,
        workers=workers,
        batch=batch,
        video=video and not quick,
        shard=shard,
        executor=executor,
        ray_address=ray_address,
        allow_incomplete=allow_incomplete,
        content=content,
        command=command(),
        console=console(stderr=json),
    )
    if done.told is None:
        return done.exit_code
    from pi0bench.commands.device_files import write_device_files
    from pi0bench.report.github_summary import append_summary, run_summary
    from pi0bench.report.json_summary import run_json
    from pi0bench.report.junit_xml import run_junit

    if json:
        print_json(run_json(done.told))
    if junit:
        write_junit(junit, run_junit(done.told))
    if devices:
        say_paths(write_device_files(done.folder, done.told, devices), console(stderr=json))
    append_summary(run_summary(done.told))
    return done.exit_code
