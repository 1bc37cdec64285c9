"""Heads that come with a folder of content or with a package."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from pi0bench.content import folders
from pi0bench.errors import UsageError
from pi0bench.policy.heads import external_heads, files_of_head, parse
from pi0bench.policy.heads.regression import RegressionHead

HEAD = """
from pi0bench.policy.heads.regression import RegressionHead

class Mine(RegressionHead):
    def __init__(self, space, width, *, size: int = 3):
        super().__init__(space, width)
"""


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("heads", "policies"):
        (tmp_path / kind).mkdir()
    monkeypatch.setenv(folders.EXTRA, str(tmp_path))
    return tmp_path


def write(content: Path, text: str, name: str = "mine") -> Path:
    path = content / "heads" / f"{name}.py"
    path.write_text(text)
    return path


def test_a_file_of_a_content_folder_is_a_head_by_its_name(content: Path) -> None:
    path = write(content, HEAD)
    kind, options = parse({"kind": "mine", "size": 4})
    assert issubclass(kind, RegressionHead)
    assert (kind.__name__, options) == ("Mine", {"size": 4})
    assert files_of_head({"kind": "mine"}) == [path]
    assert files_of_head({"kind": "regression"}) == []
    with pytest.raises(UsageError, match='unknown key; did you mean "size"'):
        parse({"kind": "mine", "sise": 4})


def test_nothing_is_imported_before_a_card_asks_for_it(content: Path) -> None:
    write(content, "raise RuntimeError('too early')")
    assert parse({"kind": "regression"})[0] is RegressionHead
    with pytest.raises(UsageError, match=r"mine\.py: is no head: RuntimeError\('too early'\)"):
        parse({"kind": "mine"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "must define one head, and defines 0"),
        (HEAD + HEAD.replace("Mine", "Other"), "defines 2"),
        ("from pi0bench.policy.heads.head import Head\nclass Half(Head): pass", "subclass of"),
        ("def", "SyntaxError"),
    ],
)
def test_a_file_that_is_no_head_is_refused(content: Path, text: str, message: str) -> None:
    write(content, text)
    with pytest.raises(UsageError, match=message):
        parse({"kind": "mine"})


def test_a_name_is_given_once(content: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(content, HEAD, "regression")
    with pytest.raises(UsageError, match=f"{path}: the name is taken by the benchmark's own"):
        parse({"kind": "regression"})
    path.unlink()
    write(content, HEAD)
    installed(monkeypatch, "mine")
    with pytest.raises(UsageError, match="the name is taken by EntryPoint"):
        parse({"kind": "mine"})


def test_a_package_offers_heads_by_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "theirs")
    assert parse({"kind": "theirs"})[0] is RegressionHead
    assert [path.name for path in files_of_head({"kind": "theirs"})] == ["regression.py"]
    with pytest.raises(UsageError, match='no head "their"; did you mean "theirs"'):
        parse({"kind": "their"})


def installed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    value = "pi0bench.policy.heads.regression:RegressionHead"
    entry = EntryPoint(name, value, "pi0bench.heads")
    monkeypatch.setattr(external_heads, "_plugins", lambda: {name: entry})
