"""Suites are tags that task files carry."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pi0bench.errors import UsageError
from pi0bench.task.suites import ALL
from pi0bench.task.task_files import load, suite, suites, task, task_ids
from pi0bench.task.task_spec import TaskSpec


def test_the_suite_that_policies_are_compared_on_has_ten_tasks() -> None:
    ids = [spec.id for spec in suite("tabletop")]
    assert len(ids) == 10
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("name", sorted({*suites()} - {ALL}))
def test_a_suite_is_described_and_has_just_the_tasks_that_carry_its_name(name: str) -> None:
    assert suites()[name].endswith(".")
    carriers = [task_id for task_id in task_ids() if name in task(task_id).tags]
    assert carriers
    assert [spec.id for spec in suite(name)] == carriers


def test_all_is_the_suite_of_every_task() -> None:
    assert [spec.id for spec in suite(ALL)] == list(task_ids())


def test_every_tag_is_a_suite_and_stands_once(spec: TaskSpec) -> None:
    tags = tomllib.loads(spec.path.read_text("utf-8"))["tags"]
    assert tags == list(spec.tags)
    assert set(tags) <= set(suites())
    assert len(set(tags)) == len(tags)


def test_an_unknown_suite_is_refused_with_what_would_work() -> None:
    with pytest.raises(UsageError, match=r'no suite "mutlimodal"; did you mean "multimodal"\?'):
        suite("mutlimodal")


def test_a_tag_that_is_no_suite_is_told_with_its_line(tmp_path: Path) -> None:
    text = task("any_cube").path.read_text("utf-8")
    path = tmp_path / "any_cube.toml"
    path.write_text(text.replace('"multimodal"', '"multi"'), "utf-8")
    line = next(i for i, row in enumerate(text.split("\n"), 1) if row.startswith("tags"))
    with pytest.raises(UsageError, match=rf'any_cube\.toml:{line}: tags\.1: no suite "multi"'):
        load(path)
