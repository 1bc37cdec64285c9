"""`pi0bench merge`: the parts of a run, joined."""

from __future__ import annotations

from pathlib import Path

import tyro

from pi0bench.report.terminal_screen import console


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
