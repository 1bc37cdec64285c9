"""What the API's docstrings and the pages of examples/python say is what happens."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from pi0bench.api import catalogue, comparing, environment, measuring, run_results
from pi0bench.content.folders import folder

PAGES = ("first_run", "comparing", "own_policy")


@pytest.fixture
def names(tmp_path: Path) -> dict[str, object]:
    return {"folder": tmp_path / "run", "results": folder("results")}


@pytest.mark.parametrize("page", PAGES)
def test_pages(page: str, names: dict[str, object], checkout: Path) -> None:
    path = checkout / "examples" / "python" / f"{page}.md"
    failed, tried = doctest.testfile(
        str(path), module_relative=False, globs=names, optionflags=doctest.ELLIPSIS
    )
    assert tried
    assert not failed


@pytest.mark.parametrize("module", [catalogue, comparing, environment, measuring, run_results])
def test_docstrings(module: object, names: dict[str, object]) -> None:
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in finder.find(module, globs=names):
        runner.run(test)
    assert not runner.failures
