from __future__ import annotations

from pathlib import Path

import pytest

from pi0bench.content import folders as content
from pi0bench.errors import UsageError
from pi0bench.policy import policy_folders
from pi0bench.policy.policy_folders import CARD, folders, name_of, trainable


def test_a_content_folder_brings_policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "policies" / "mine"
    home.mkdir(parents=True)
    (home / CARD).touch()
    monkeypatch.setenv(content.EXTRA, str(tmp_path))
    assert folders()["mine"] == home
    assert "pi0" in folders()
    assert name_of(home) == "mine"
    assert trainable(home) == home
    home.rename(home.with_name("pi0"))
    with pytest.raises(UsageError, match="the name is taken by"):
        folders()


def test_nothing_is_trained_into_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_folders, "PACKAGE", tmp_path / "pi0bench")
    with pytest.raises(UsageError, match=r"never writes there.*--content DIR"):
        trainable(tmp_path / "pi0bench" / "_content" / "policies" / "pi0")
    assert trainable(tmp_path / "policies" / "pi0")
