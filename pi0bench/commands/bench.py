"""`pi0bench bench`: what this machine takes."""

from __future__ import annotations

from pathlib import Path

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
    content: tuple[Path, ...] = (),
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
        content: Folders with content of your own: tasks, objects, variations, policies.
    """
    add_folders(content)
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
