"""Weights that are damaged or hostile are refused in one sentence, and never carried out."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save

from pi0bench.cli import main
from pi0bench.content import folders
from pi0bench.errors import UsageError
from pi0bench.policy import weights_file
from pi0bench.policy.learned_policy import load_policy
from pi0bench.policy.policy_folders import WEIGHTS
from tests.policy.test_weights_file import fill, good, write

Copy = Callable[[str], Path]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """Puts a policy of the benchmark's into content of its own, where it may be damaged."""
    home, real = tmp_path / "content", folders.root()
    (home / "policies").mkdir(parents=True)
    for name in ("envs", "tasks"):
        (home / name).symlink_to(real / name)
    for path in (real / "policies").iterdir():
        (home / "policies" / path.name).symlink_to(path)
    monkeypatch.setattr(folders, "root", lambda: home)

    def make(name: str) -> Path:
        own = home / "policies" / name
        own.unlink()
        shutil.copytree(real / "policies" / name, own)
        return own

    return make


@pytest.mark.parametrize("keep", [0, 5, 40, -4])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = write(tmp_path / "w.safetensors", good())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UsageError, match="no intact weights file"):
        weights_file.read(path)


class _Canary:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("canary"),)


def test_a_pickle_is_refused_and_never_run(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(_Canary()))
    with pytest.raises(UsageError, match="no intact weights file"):
        weights_file.read(path)
    assert not Path("canary").exists()


def test_no_part_of_the_package_can_open_a_pickle(checkout: Path) -> None:
    opens = re.compile(
        r"torch\.load\(|^ *(import|from) (pickle|joblib|dill)|allow_pickle=True", re.M
    )
    sources = list((checkout / "pi0bench").rglob("*.py"))
    assert len(sources) > 100
    assert [path.name for path in sources if opens.search(path.read_text("utf-8"))] == []


def test_a_flipped_byte_is_refused_or_makes_another_policy(tmp_path: Path) -> None:
    path = write(tmp_path / "model.safetensors", good(), {"looks": ["bowl"]})
    whole = path.read_bytes()
    before = weights_file.digest(path)
    refused = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x7F]) + whole[place + 1 :])
        assert weights_file.digest(path) != before
        try:
            fill(path)
        except UsageError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
    assert refused > len(whole) // 2


@pytest.mark.parametrize("about", [[], 3, {}, {"actions": 1}])
def test_a_training_that_says_nothing_sound_is_refused(about: Any, copy: Copy) -> None:
    home = copy("pi0")
    tensors, told = weights_file.read(home / WEIGHTS)
    said = about if isinstance(about, list | int) else {"eyes": told["eyes"], **about}
    (home / WEIGHTS).write_bytes(save(tensors, metadata={"about": json.dumps(said)}))
    with pytest.raises(UsageError, match=str(home)):
        load_policy(home)


def test_a_broken_policy_ends_a_run_before_it_begins_with_one_line(
    copy: Copy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = copy("pi0") / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1000])
    out = tmp_path / "run"
    args = "run --policy expert pi0 --task reach_cube --workers 2 --renderer tiny --out"
    assert main([*args.split(), str(out)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"pi0bench: {weights}: no intact weights file")
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not list(out.iterdir())
