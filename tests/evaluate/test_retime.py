from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pi0bench.errors import UsageError
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.retime import retime
from pi0bench.evaluate.run_options import How
from pi0bench.records.record import Timing
from pi0bench.records.run_folder import RunFolder
from tests.runs import run


@pytest.fixture
def slowed(tmp_path: Path) -> Path:
    """A run whose plans took ten seconds each, it seems."""
    settings = Settings(("zero", "expert"), ("reach_cube",), renderer="tiny", episodes=3)
    assert run(settings, tmp_path, How(video=False), Console(quiet=True)) == 0
    folder = RunFolder(tmp_path)
    with RunFolder.alone(tmp_path) as writing:
        slow = [Timing(t.key, 7.0, 10_000.0, attempts=2) for t in folder.timings()]
        writing.rewrite(folder.records(), slow)
    return tmp_path


def test_some_plans_are_timed_again_and_all_other_times_forgotten(slowed: Path) -> None:
    before = (slowed / "episodes.jsonl").read_bytes()
    retime(slowed, 2, Console(quiet=True))
    assert (slowed / "episodes.jsonl").read_bytes() == before
    episode_of = {r.cell.key(): r.cell.episode for r in RunFolder(slowed).records()}
    timings = RunFolder(slowed).timings()
    assert len(timings) == 6
    for timing in timings:
        assert (timing.wall_s, timing.attempts) == (7.0, 2)
        if episode_of[timing.key] < 2:
            assert timing.replan_ms is not None
            assert timing.replan_ms < 5000
        else:
            assert timing.replan_ms is None


def test_what_has_changed_since_is_not_timed(slowed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*_: Any) -> list[str]:
        return ["weights.zero: differ"]

    monkeypatch.setattr("pi0bench.evaluate.retime.changed", other)
    with pytest.raises(UsageError, match="cannot be timed again"):
        retime(slowed, 1, Console(quiet=True))
    with pytest.raises(UsageError, match="--episodes"):
        retime(slowed, 0, Console(quiet=True))
