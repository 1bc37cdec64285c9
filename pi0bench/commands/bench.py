"""`pi0bench bench`: what this machine takes."""

from __future__ import annotations

from pathlib import Path

from pi0bench.argument_bounds import bounded
from pi0bench.commands.printed_paths import say_paths
from pi0bench.content.folders import add_folders
from pi0bench.machine.worker_count import processes
from pi0bench.report.terminal_screen import console


def bench(
    policy: str = "pi0",
    task: str = "stack_two_cubes",
    engine: str = "mujoco",
    renderer: str = "auto",
    episodes: int | None = None,
    workers: int | None = None,
    batch: int = 8,
    env_id: str = "",
    profile: Path | None = None,
    plans: int = 100,
    content: tuple[Path, ...] = (),
) -> int:
    """Measure this machine: what a run takes at least, what it takes, and where the rest goes.

    Nothing is kept but what --profile names. Let nothing else run meanwhile.

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
        profile: A file, such as my-laptop.toml, for what a plan for one robot takes here by its
            parts, medians; 95th percentiles are written beside it. --device-profile takes both.
        plans: That are timed for --profile, with one step and again with ten.
        content: Folders with content of your own: tasks, objects, variations, policies.
    """
    add_folders(content)
    from pi0bench.evaluate.bench.efficiency import efficiency
    from pi0bench.evaluate.bench.latency import profiles
    from pi0bench.evaluate.bench.overhead import EPISODES, overhead
    from pi0bench.evaluate.bench.show import show, show_overhead, show_profiles
    from pi0bench.evaluate.cells import Settings
    from pi0bench.report.device_profiles import write

    screen = console()
    if env_id:
        show_overhead(overhead(env_id, policy, episodes or EPISODES), screen)
        return 0
    settings = Settings((policy,), (task,), engine, renderer, episodes or 200)
    if profile is not None:
        found = profiles(settings, bounded("--plans", plans))
        paths = [profile, profile.with_stem(f"{profile.stem}-p95")]
        for one, path in zip(found, paths, strict=True):
            write(one, path)
        show_profiles(found, screen)
        say_paths(paths, screen)
        return 0
    show(efficiency(settings, processes(workers), batch), screen)
    show_overhead(overhead(), screen)
    return 0
