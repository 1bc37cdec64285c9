"""How soon a robot reacts to a knock: by the first command that is another than without the knock.

An episode in which something may be knocked has a twin in which nothing is. Both are the same to
the last bit until the knock, and the robot's commands are the same until it has noticed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pi0bench.envs.episode_protocol import Episode
from pi0bench.envs.pose import Array
from pi0bench.task.varied_episode import VariedTabletop


def knockable(episode: Episode) -> bool:
    """True when something of it is to be knocked."""
    return isinstance(episode, VariedTabletop) and episode.knocker.to_come


def spare(episode: Episode) -> None:
    """Have nothing of it knocked."""
    assert isinstance(episode, VariedTabletop)
    episode.knocker.spare()


def reaction_s(
    episode: Episode, commands: Sequence[Array], without: Sequence[Array]
) -> float | None:
    """Seconds from the knock to the first command that is another than the twin's.

    Args:
        episode: in which something may have been knocked.
        commands: its actions so far, (A,) each.
        without: those of its twin.

    Returns:
        None where there was no knock, or no reaction yet.
    """
    at = episode.knocker.at if isinstance(episode, VariedTabletop) else None
    if at is None:
        return None
    pairs = zip(commands[at:], without[at:], strict=False)
    changed = (n for n, (one, other) in enumerate(pairs) if not np.array_equal(one, other))
    after = next(changed, None)
    return None if after is None else after / episode.control_hz
