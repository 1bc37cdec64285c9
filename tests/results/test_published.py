"""What lies in results/ is made of its records, and of the weights that are shipped."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pi0bench.content import folder
from pi0bench.policies import registry
from pi0bench.results.publish import report
from pi0bench.results.store import RunFolder
from pi0bench.tasks.load import task

RELEASES = sorted(path for path in folder("results").glob("*") if path.is_dir())
RUNS = sorted(path.parent for path in folder("results").glob("*/*/manifest.json"))


def names(path: Path) -> str:
    return "/".join(path.parts[-2:])


def test_something_is_published() -> None:
    assert RUNS


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_its_pages_are_made_again(release: Path, tmp_path: Path) -> None:
    copy = tmp_path / release.name
    shutil.copytree(release, copy)
    pages = set(copy.rglob("*.md"))
    for page in pages:
        page.write_text("")
    made = report(copy)
    assert pages <= set(made)
    for path in made:
        # A picture's bytes also depend on the version of matplotlib.
        same = (
            path.suffix == ".png"
            or path.read_bytes() == (release / path.relative_to(copy)).read_bytes()
        )
        assert same, path.relative_to(copy)


@pytest.mark.parametrize("run", RUNS, ids=names)
def test_its_numbers_are_of_the_shipped_weights_and_tasks(run: Path) -> None:
    manifest = RunFolder(run).manifest()
    weights = manifest["weights"]
    assert weights == {name: registry.load(name).traits.weights for name in weights}
    assert manifest["tasks"] == {name: task(name).hash for name in manifest["tasks"]}
