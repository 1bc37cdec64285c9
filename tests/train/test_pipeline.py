"""Several trainings at once: each is what it would be alone."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pi0bench.content import folders
from pi0bench.errors import UsageError
from pi0bench.policy import registry, weights_file
from pi0bench.policy.policy_folders import CARD
from pi0bench.train import pipeline, policy_training
from tests.train.test_policy_training import features

SMALL = {"steps": 6, "batch": 4, "depth": 1}


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None) -> Path:
    """A folder of content with two small policies."""
    for name in ("bc", "pi0"):
        lines = (folders.folder("policies") / name / CARD).read_text().splitlines()
        lines = [line for line in lines if not line.startswith(("learns", "group"))]
        for key, value in SMALL.items():
            lines = [f"{key} = {value}" if x.startswith(f"{key} =") else x for x in lines]
        home = tmp_path / "content" / "policies" / f"small_{name}"
        home.mkdir(parents=True)
        (home / CARD).write_text("\n".join(lines))
    monkeypatch.setenv(folders.EXTRA, os.fspath(tmp_path / "content"))
    return tmp_path / "content" / "policies"


def trained(names: tuple[str, ...], home: Path, workers: int, seeds: int) -> str:
    said = StringIO()
    source = features(home / "features.npz")
    pipeline.train(names, home, workers, Console(file=said, width=300), "cpu", source, seeds)
    return said.getvalue()


def test_trainings_apart_are_those_alone(content: Path, tmp_path: Path) -> None:
    said = trained(("small_bc", "small_pi0"), tmp_path, workers=2, seeds=2)
    assert "; 3 of 4, the last at about " in said
    files = {name: content / name / "model-1.safetensors" for name in ("small_bc", "small_pi0")}
    apart = {name: path.read_bytes() for name, path in files.items()}
    first = (content / "small_pi0" / "model.safetensors").read_bytes()
    assert first != apart["small_pi0"]
    for name, path in files.items():
        source, work = tmp_path / "features.npz", tmp_path / "again" / name
        assert policy_training.fit_policy(f"{name}@1", source, work) == path
        assert path.read_bytes() == apart[name]
    recipes = [weights_file.read(path)[1]["recipe"] for path in files.values()]
    assert [made["seed"] for made in recipes] == [1, 1]


def test_a_training_that_is_not_there_is_told_with_what_makes_it(content: Path) -> None:
    with pytest.raises(UsageError, match=r"pi0bench train small_pi0 --seeds 3 makes it"):
        registry.load("small_pi0@2")
    with pytest.raises(UsageError, match="zero@1: zero was not trained"):
        registry.load("zero@1")
    with pytest.raises(UsageError, match='no policy "small_p@1"; did you mean "small_pi0"'):
        registry.load("small_p@1")
