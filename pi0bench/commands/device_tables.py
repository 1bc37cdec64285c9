"""Tables of a run by devices, for the commands that have `--device-profile`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pi0bench.envs.controller import DEFAULT_HZ
from pi0bench.report.device_profiles import DeviceProfile
from pi0bench.report.device_table import NAME, device_markdown
from pi0bench.report.run_files import write_files
from pi0bench.report.run_report import RunReport


def write_device_table(folder: Path, report: RunReport, devices: Sequence[DeviceProfile]) -> Path:
    """Write what a run reaches at the delay of each device, and return the file's path.

    Raises:
        UsageError: in the run the world always waits.
    """
    text = device_markdown(report, devices, DEFAULT_HZ)
    return write_files(folder, {NAME: text.encode()})[0]
