"""Table and figure of a run by devices, for the commands that have `--device-profile`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pi0bench.envs.controller import DEFAULT_HZ
from pi0bench.report.device_profiles import DeviceProfile
from pi0bench.report.device_table import NAME, device_markdown
from pi0bench.report.figures.device_figure import NAME as FIGURE
from pi0bench.report.figures.device_figure import device_figure
from pi0bench.report.run_files import write_files
from pi0bench.report.run_report import RunReport


def write_device_files(
    folder: Path, report: RunReport, devices: Sequence[DeviceProfile]
) -> list[Path]:
    """Write what a run reaches at the delay of each device, and return the files' paths.

    There is a table, and a figure where some policy has several step counts.

    Raises:
        UsageError: in the run the world always waits.
    """
    files = {NAME: device_markdown(report, devices, DEFAULT_HZ).encode()}
    if figure := device_figure(report, devices, DEFAULT_HZ):
        files[FIGURE] = figure
    return write_files(folder, files)
