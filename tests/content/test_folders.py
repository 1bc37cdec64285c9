from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from pi0bench.content import folders
from pi0bench.errors import MachineError


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "pi0bench"
    folder.mkdir()
    monkeypatch.setattr(folders, "PACKAGE", folder)
    return folder


def make_checkout(folder: Path) -> None:
    (folder / "tasks").mkdir()
    (folder / "pyproject.toml").touch()


def test_a_checkout_is_its_own_content(package: Path) -> None:
    make_checkout(package.parent)
    assert folders.root() == package.parent
    assert folders.folder("tasks") == package.parent / "tasks"


def test_a_wheels_content_comes_before_a_checkouts(package: Path) -> None:
    make_checkout(package.parent)
    (package / "_content").mkdir()
    assert folders.root() == package / "_content"
    assert [folders.folder(kind).name for kind in get_args(folders.Kind)] == [
        "envs",
        "tasks",
        "policies",
        "results",
    ]


def test_a_strangers_tasks_folder_is_not_content(package: Path) -> None:
    (package.parent / "tasks").mkdir()
    with pytest.raises(MachineError, match=r"no benchmark content.*reinstall"):
        folders.root()
