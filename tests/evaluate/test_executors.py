"""Whatever carries out a run, the records are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from pi0bench.errors import UsageError
from pi0bench.evaluate import executors, ray_executor
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from tests.runs import run


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return measured(tmp_path_factory.mktemp("inline"), How(executor="inline", video=False))


def measured(out: Path, how: How) -> bytes:
    settings = Settings(("zero", "random", "expert"), ("reach_cube",), renderer="tiny", episodes=3)
    assert run(settings, out, how, Console(quiet=True)) == 0
    return (out / "episodes.jsonl").read_bytes()


@pytest.mark.parametrize("executor", executors.KINDS)
def test_every_executor_gives_the_same_records(
    executor: str, inline: bytes, tmp_path: Path
) -> None:
    if executor == "ray":
        pytest.importorskip("ray", reason="needs pi0bench[ray]")
    how = How(workers=2, batch=2, video=False, executor=executor)
    assert measured(tmp_path, how) == inline
    assert inline.count(b"\n") == 9


def test_executors_that_cannot_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match='no executor "rey"; did you mean "ray"'):
        How(executor="rey")
    with pytest.raises(UsageError, match="--ray-address: goes with --executor ray"):
        How(ray_address="auto")
    monkeypatch.setattr(ray_executor, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r'not installed; pip install "pi0bench\[ray\]"'):
        How(executor="ray")
