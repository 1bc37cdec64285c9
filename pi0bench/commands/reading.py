"""Commands that read records; they run nothing."""

from __future__ import annotations

from pathlib import Path

import tyro

from pi0bench.commands.console import console


def report(folder: tyro.conf.Positional[Path]) -> int:
    """Write the tables and figures of a run, or of published results, again from their records.

    Args:
        folder: A run's folder, or one of published runs such as results/0.1.
    """
    from pi0bench.results.publish import report as write

    for path in write(folder):
        console().print(str(path), markup=False, highlight=False, soft_wrap=True)
    return 0


def compare(
    run: tyro.conf.Positional[tuple[Path, ...]],
    policy: tuple[str, ...] = (),
    steps: tuple[int, ...] = (),
) -> int:
    """Compare policies on the episodes that they share: differences, tests, and what n resolves.

    Args:
        run: Folders of runs, a user's or published ones, and files of other tools in LeRobot's
            format, eval_info.json.
        policy: Only these policies; all when not given.
        steps: Only these sampler steps, and policies without a sampler; all when not given.
    """
    from pi0bench.results.compare import compare as judge
    from pi0bench.results.compare import select
    from pi0bench.results.comparison import print_comparison
    from pi0bench.results.lerobot_read import outcomes

    records = {str(path): outcomes(path) for path in run}
    print_comparison(judge(select(records, policy, steps)), console())
    return 0


def publish(run: tyro.conf.Positional[tuple[Path, ...]], out: Path) -> int:
    """Put finished runs side by side, with their records, and write the pages of all of them.

    Args:
        run: Folders of runs; each is published under its own name.
        out: The folder of the results, such as results/0.1.
    """
    from pi0bench.results.publish import publish as put

    for path in put(run, out):
        console().print(str(path), markup=False, highlight=False, soft_wrap=True)
    return 0
