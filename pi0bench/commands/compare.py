"""`pi0bench compare`: policies on the episodes that they share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from pi0bench.commands.machine_readable import print_json, summarise, write_junit
from pi0bench.commands.said import say_paths
from pi0bench.report.screen import console


def compare(
    run: tyro.conf.Positional[tuple[Path, ...]],
    policy: tuple[str, ...] = (),
    steps: tuple[int, ...] = (),
    suite: str | None = None,
    task: tuple[str, ...] = (),
    out: Path | None = None,
    fail_if_worse_by: float | None = None,
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    junit: Path | None = None,
) -> int:
    """Compare policies on the episodes that they share: differences, tests, and what n resolves.

    Args:
        run: Folders of runs, a user's or published ones, and files of other tools in LeRobot's
            format, eval_info.json.
        policy: Only these policies; all when not given.
        steps: Only these sampler steps, and policies without a sampler; all when not given.
        suite: Only the tasks of this suite.
        task: Only these tasks.
        out: Folder for the comparison as Markdown, LaTeX and CSV; only printed when not given.
        fail_if_worse_by: Points of success. Exits with 5 when the first policy or run that is named
            is shown to be better than another by more; what is not resolved is said, and fails
            nothing.
        json: Print the comparison as JSON, and all else on standard error.
        junit: A file for the comparison as JUnit XML.
    """
    from pi0bench import api
    from pi0bench.report.comparison_tables import print_comparison
    from pi0bench.report.json_summary import comparison_json
    from pi0bench.report.junit_xml import comparison_junit
    from pi0bench.report.run_files import comparison_files, write_files
    from pi0bench.report.step_summary import comparison_summary

    found, screen = api.compare(run, policy, steps, suite, task), console(stderr=json)
    print_comparison(found, screen)
    if out is not None:
        say_paths(write_files(out, comparison_files(found)), screen)
    if json:
        print_json(comparison_json(found))
    if junit:
        write_junit(junit, comparison_junit(found))
    summarise(comparison_summary(found))
    return 0
