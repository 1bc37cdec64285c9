"""Runs as the command line sees them."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run import run as measure
from pi0bench.evaluate.run_options import How


def run(settings: Settings, out: Path, how: How, console: Console) -> int:
    """The exit code of a run."""
    return measure(settings, out, how, console).exit_code
