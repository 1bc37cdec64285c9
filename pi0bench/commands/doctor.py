"""`pi0bench doctor`: what this machine lacks."""

from __future__ import annotations

from pi0bench.errors import MachineError
from pi0bench.report.terminal_screen import console


def doctor() -> int:
    """Look at this machine: packages, renderers, video, weights, cores, disk and GPU."""
    from pi0bench.doctor import examine, lacking, print_findings

    found = examine()
    print_findings(found, console())
    return MachineError.exit_code if lacking(found) else 0
