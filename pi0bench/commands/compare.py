"""`pi0bench compare`: policies on the episodes that they share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from pi0bench.commands.machine_readable import print_json, write_junit
from pi0bench.commands.printed_paths import say_paths
from pi0bench.errors import RegressionError
from pi0bench.report.terminal_screen import console


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
        fail_if_worse_by: Points of success. Exits with 5 when another run, or of a single run
            another --policy, is shown to be worse than the first by more; what is not resolved is
            said, and fails nothing.
        json: Print the comparison as JSON, and all else on standard error.
        junit: A file for the comparison as JUnit XML.
    """
    from pi0bench.api import comparing
    from pi0bench.report.comparison_tables import print_comparison
    from pi0bench.report.github_summary import append_summary, comparison_summary
    from pi0bench.report.json_summary import comparison_json, regression_json
    from pi0bench.report.junit_xml import comparison_junit
    from pi0bench.report.regression_verdict import Outcome
    from pi0bench.report.run_files import comparison_files, write_files

    chosen = {"policies": policy, "steps": steps, "suite": suite, "tasks": task}
    found, screen = comparing.compare(run, **chosen), console(stderr=json)
    print_comparison(found, screen)
    held = (
        [] if fail_if_worse_by is None else comparing.regressions(run, fail_if_worse_by, **chosen)
    )
    said = [one.sentence() for one in held]
    for line in said:
        screen.print(line, soft_wrap=True)
    if out is not None:
        say_paths(write_files(out, comparison_files(found)), screen)
    if json:
        print_json({**comparison_json(found), "regressions": [*map(regression_json, held)]})
    if junit:
        write_junit(junit, comparison_junit(found, held))
    append_summary(comparison_summary(found) + "".join(f"\n{line}\n" for line in said))
    worse = any(one.outcome is Outcome.WORSE for one in held)
    return RegressionError.exit_code if worse else 0
