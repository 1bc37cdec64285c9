"""Sizes that may be asked for: each is held against its bounds before anything is built of it."""

from __future__ import annotations

from pi0bench.errors import UsageError

BOUNDS = {
    "--batch": (1, 4096),
    "--coarsen": (1, 1000),
    "--delay": (0, 1000),
    "--episodes": (1, 1_000_000),
    "--execute": (1, 1000),
    "--plans": (2, 100_000),
    "--port": (0, 65_535),
    "--seed": (0, 2**63 - 1),
    "--seeds": (1, 100),
    "--steps": (1, 10_000),
    "--workers": (1, 1024),
    "parts": (1, 10_000),
}
MOST_EPISODES = 1_000_000
"""Of one run, over all its tasks and conditions; their plan must fit into memory."""


def bounded(name: str, value: int) -> int:
    """Return `value` if it lies within the bounds of that name.

    Raises:
        UsageError: it does not; the message says what would.
    """
    low, high = BOUNDS[name]
    if value < low:
        what = "too few" if low else "negative"
        raise UsageError(f"{name}: {value} is {what}; give a number from {low}")
    if value > high:
        raise UsageError(f"{name}: {value} is too large; give a number up to {high}")
    return value


def countable(episodes: int, *times: int) -> None:
    """See that so many episodes, so many times each, are not more than one run may have.

    Raises:
        UsageError: they are.
    """
    total = bounded("--episodes", episodes)
    for count in times:
        total *= count
    if total > MOST_EPISODES:
        raise UsageError(
            f"--episodes: {episodes} of every task and condition are {total} in all, and a run "
            f"has at most {MOST_EPISODES}; give fewer, or make several runs"
        )
