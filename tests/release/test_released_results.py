"""What lies in results/ is made of its records, and of the weights that are shipped."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pi0bench.content.folders import folder
from pi0bench.policy import registry
from pi0bench.records.run_folder import RunFolder
from pi0bench.release.publisher_notes import TABLE, TEXT
from pi0bench.release.regenerate_release import report
from pi0bench.release.results_readme import WITHDRAWN
from pi0bench.task.task_files import task

RELEASES = sorted(path for path in folder("results").glob("*") if path.is_dir())
RUNS = sorted(path.parent for path in folder("results").glob("*/*/manifest.json"))
PAGES = (".md", ".tex", ".csv", ".html")


def names(path: Path) -> str:
    return "/".join(path.parts[-2:])


def test_something_is_published() -> None:
    assert RUNS


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_its_pages_are_made_again(release: Path, tmp_path: Path) -> None:
    copy = tmp_path / release.name
    shutil.copytree(release, copy)
    told = {copy / name for name in (WITHDRAWN, TABLE, TEXT, "tasks.csv")}
    pages = {path for path in copy.rglob("*") if path.suffix in PAGES} - told
    for page in pages:
        page.write_text("")
    made = report([copy])
    assert pages <= set(made)
    assert copy / "index.html" in made
    for path in made:
        same = content(path) == content(release / path.relative_to(copy))
        assert path.suffix == ".png" or same, path.relative_to(copy)


def content(path: Path) -> bytes:
    """What a file holds, but for pictures, whose bytes also depend on matplotlib's version."""
    return re.sub(rb"data:image/png;base64,[^\"]*", b"", path.read_bytes())


def test_its_page_is_small() -> None:
    assert RELEASES
    for release in RELEASES:
        assert (release / "index.html").stat().st_size < 8 * 1024 * 1024


@pytest.mark.parametrize("run", RUNS, ids=names)
def test_its_numbers_are_of_the_shipped_weights_and_tasks(run: Path) -> None:
    if (run.parent / WITHDRAWN).exists():
        pytest.skip("withdrawn: what is shipped has moved on")
    manifest = RunFolder(run).manifest()
    weights = manifest["weights"]
    assert weights == {name: registry.load(name).traits.weights for name in weights}
    assert manifest["tasks"] == {name: task(name).hash for name in manifest["tasks"]}
