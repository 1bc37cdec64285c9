"""`pi0bench plan`: a run divided among machines."""

from __future__ import annotations

import sys

import tyro

from pi0bench.commands.command_line import options
from pi0bench.commands.run import run
from pi0bench.errors import UsageError


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
