"""What there is to be measured, as data frames: policies, tasks, suites and variations."""

from __future__ import annotations

import pandas as pd

from pi0bench.policy import registry
from pi0bench.task import task_files, variation_files


def policies() -> pd.DataFrame:
    """Every policy: baselines, trained ones, those of other packages and content folders.

    Returns:
        A row a policy, by its name: `summary`.

    Examples:
        >>> import pi0bench
        >>> pi0bench.policies().loc["zero", "summary"]
        'Stays where it is.'
    """
    return _by_name({name: {"summary": registry.summary(name)} for name in registry.names()})


def tasks(suite: str | None = None) -> pd.DataFrame:
    """Every task of the benchmark and of content folders.

    Args:
        suite: Only those of this suite.

    Returns:
        A row a task, by its id: `summary`, `suites`, `seconds` after which an episode ends, and
        `stages` of partial credit.

    Raises:
        UsageError: there is no such suite, or a task's file is wrong.

    Examples:
        >>> import pi0bench
        >>> "cube_on_pillar" in pi0bench.tasks("tabletop").index
        True
    """
    ids = task_files.task_ids()
    found = [task_files.task(name) for name in ids] if suite is None else task_files.suite(suite)
    return _by_name(
        {
            task.id: {
                "summary": task.summary,
                "suites": ", ".join(task.tags),
                "seconds": task.max_s,
                "stages": max((len(way.stages) for way in task.ways), default=0),
            }
            for task in found
        }
    )


def suites() -> pd.DataFrame:
    """Every suite.

    Returns:
        A row a suite, by its name: `summary` and `tasks`, their ids.
    """
    return _by_name(
        {
            name: {
                "summary": words,
                "tasks": ", ".join(task.id for task in task_files.suite(name)),
            }
            for name, words in task_files.suites().items()
        }
    )


def variations() -> pd.DataFrame:
    """Every variation.

    Returns:
        A row a variation, by its name: `summary`.
    """
    return _by_name({name: {"summary": words} for name, words in variation_files.described()})


def _by_name(rows: dict[str, dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("name")
