from __future__ import annotations

import time
import tracemalloc

import pytest

from pi0bench.argument_bounds import BOUNDS, MOST_EPISODES, bounded, countable
from pi0bench.cli import main
from pi0bench.errors import UsageError

HUGE = 10**14


@pytest.mark.parametrize("name", BOUNDS)
def test_both_ends_are_allowed_and_nothing_beyond(name: str) -> None:
    low, high = BOUNDS[name]
    assert (bounded(name, low), bounded(name, high)) == (low, high)
    with pytest.raises(UsageError, match=f"^{name}: {low - 1} is .*; give a number from {low}$"):
        bounded(name, low - 1)
    with pytest.raises(UsageError, match=f"is too large; give a number up to {high}$"):
        bounded(name, high + 1)


def test_what_is_many_in_all_is_refused_in_words() -> None:
    countable(1000, 10, 100)
    with pytest.raises(UsageError, match=rf"2000000 in all, and a run has at most {MOST_EPISODES}"):
        countable(2000, 10, 100)


@pytest.mark.parametrize(
    ("line", "option"),
    [
        (f"run --policy zero --episodes {HUGE}", "--episodes"),
        (f"run --policy zero pi0 --suite tabletop --episodes {MOST_EPISODES}", "--episodes"),
        (f"run --policy pi0 --steps {HUGE}", "--steps"),
        (f"run --policy zero --workers {HUGE}", "--workers"),
        (f"run --policy zero --batch {HUGE}", "--batch"),
        (f"run --policy zero --seed {10**30}", "--seed"),
        (f"verify nothere --episodes {HUGE}", "--episodes"),
        ("verify nothere --seed -1", "--seed"),
        (f"verify nothere --workers {HUGE}", "--workers"),
        (f"retime nothere --episodes {HUGE}", "--episodes"),
        (f"bench --workers {HUGE}", "--workers"),
        (f"bench --batch {HUGE}", "--batch"),
        ("bench --batch 0", "--batch"),
        (f"bench --episodes {HUGE}", "--episodes"),
        (f"bench --env-id CartPole-v1 --policy zero --episodes {HUGE}", "--episodes"),
        (f"demos --episodes {HUGE}", "--episodes"),
        ("demos --seed -1", "--seed"),
        (f"demos --workers {HUGE}", "--workers"),
        (f"train pi0 --workers {HUGE}", "--workers"),
        (f"toy --seed {10**30}", "--seed"),
        (f"plan {HUGE} -- --policy zero", "parts"),
        ("serve --port 99999", "--port"),
        ("serve --port -1", "--port"),
    ],
)
def test_sizes_are_bounded_before_anything_is_built(
    line: str,
    option: str,
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(str(tmp_path))
    begun_s = time.monotonic()
    tracemalloc.start()
    try:
        assert main(line.split()) == 2
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()
    assert capsys.readouterr().err.startswith(f"pi0bench: {option}: ")
    assert time.monotonic() - begun_s < 60
