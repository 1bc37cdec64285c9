"""Commands that read records; they run nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import tyro

from pi0bench.commands.console import console


def report(
    folder: tyro.conf.Positional[tuple[Path, ...]],
    allow_incomplete: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Write tables, figures and pages again from records: Markdown, LaTeX, CSV and HTML.

    Args:
        folder: Runs' folders, folders of published runs such as results/0.1.1, or texts such as
            README.md that quote them.
        allow_incomplete: Of runs even when episodes are missing, with worst-case bounds.
    """
    from pi0bench.release.regenerate_release import report as write

    _say(write(folder, allow_incomplete))
    return 0


def compare(
    run: tyro.conf.Positional[tuple[Path, ...]],
    policy: tuple[str, ...] = (),
    steps: tuple[int, ...] = (),
    out: Path | None = None,
) -> int:
    """Compare policies on the episodes that they share: differences, tests, and what n resolves.

    Args:
        run: Folders of runs, a user's or published ones, and files of other tools in LeRobot's
            format, eval_info.json.
        policy: Only these policies; all when not given.
        steps: Only these sampler steps, and policies without a sampler; all when not given.
        out: Folder for the comparison as Markdown, LaTeX and CSV; only printed when not given.
    """
    from pi0bench.report.comparison import compare as judge
    from pi0bench.report.comparison import select
    from pi0bench.report.comparison_input import entry
    from pi0bench.report.comparison_tables import print_comparison
    from pi0bench.report.run_files import comparison_files, write_files

    entries = {str(path): entry(path) for path in run}
    found = judge(select(entries, policy, steps))
    print_comparison(found, console())
    if out is not None:
        _say(write_files(out, comparison_files(found)))
    return 0


def publish(
    run: tyro.conf.Positional[tuple[Path, ...]], out: Path, readme: tuple[Path, ...] = ()
) -> int:
    """Put finished runs side by side, with their records, and write the pages of all of them.

    Args:
        run: Folders of runs; each is published under its own name.
        out: The folder of the results, such as results/0.1.1.
        readme: Texts such as README.md, in which the numbers between the comments `published` and
            `/published` are written anew from published records.
    """
    from pi0bench.release.publish import publish as put

    _say(put(run, out, readme))
    return 0


def merge(run: tyro.conf.Positional[tuple[Path, ...]], out: Path) -> int:
    """Join the parts of a run that were measured with --shard; more can be joined later.

    Args:
        run: Folders of parts, or of the whole run, unfinished ones too.
        out: The folder of the whole run.
    """
    from pi0bench.records.merge import merge as join

    done = join(run, out)
    missing = done.planned - done.measured
    of = f"{done.measured} of {done.planned} episodes"
    left = f"{of}; the {missing} that are missing," if missing else f"{of};"
    say = console().print
    say(f"{out}: {left} pages and videos come with", markup=False, highlight=False, soft_wrap=True)
    say(f"    {done.command}", markup=False, highlight=False, soft_wrap=True)
    return 0


def _say(paths: Iterable[Path]) -> None:
    for path in paths:
        console().print(str(path), markup=False, highlight=False, soft_wrap=True)
