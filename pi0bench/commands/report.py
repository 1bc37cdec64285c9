"""`pi0bench report`: tables and pages, written again from records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from pi0bench.commands.machine_readable import print_json
from pi0bench.commands.printed_paths import say_paths
from pi0bench.report.terminal_screen import console


def report(
    folder: tyro.conf.Positional[tuple[Path, ...]],
    device_profile: tuple[str, ...] = (),
    allow_incomplete: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
) -> int:
    """Write tables, figures and pages again from records: Markdown, LaTeX, CSV and HTML.

    Args:
        folder: Runs' folders, folders of published runs such as results/0.1.1, or texts such as
            README.md that quote them.
        device_profile: Devices; a table says what runs with several delays reach at each one's.
        allow_incomplete: Of runs even when episodes are missing, with worst-case bounds.
        json: Print what the runs say as JSON, by their folders, and all else on standard error.
    """
    from pi0bench.commands.device_files import write_device_files
    from pi0bench.records.run_folder import RunFolder
    from pi0bench.release.regenerate_release import report as write
    from pi0bench.release.regenerate_release import runs_in
    from pi0bench.report.device_profiles import device_profile as profile_of
    from pi0bench.report.json_summary import run_json
    from pi0bench.report.run_report import run_report

    devices = [profile_of(name) for name in device_profile]
    paths = write(folder, allow_incomplete)
    runs = [RunFolder(run) for path in folder for run in runs_in(path)]
    if devices:
        told = [(run.root, run_report(run, allow_incomplete)) for run in runs]
        paths += [path for one in told for path in write_device_files(*one, devices)]
    say_paths(paths, console(stderr=json))
    if json:
        said = {str(run.root): run_json(run_report(run, allow_incomplete)) for run in runs}
        print_json(said)
    return 0
