"""One control step of several episodes at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from pi0bench.envs.controller import aim
from pi0bench.envs.episode_protocol import Episode
from pi0bench.envs.pose import Array
from pi0bench.envs.world_protocol import EnvFault
from pi0bench.task.tabletop_episode import Tabletop


def step_together(episodes: Sequence[Episode], actions: Sequence[Array]) -> list[EnvFault | None]:
    """Carry out one legal action, (A,), of each episode; all are of one task.

    The joint angles of all our own robots are found together; worlds are stepped one by one.

    Returns:
        Why a world cannot go on, for each; None where it can.
    """
    own = [episode for episode in episodes if isinstance(episode, Tabletop)]
    if not own:
        return [
            _fault(partial(e.step, action)) for e, action in zip(episodes, actions, strict=True)
        ]
    turns_rad = aim([episode.controller for episode in own], np.array(actions))
    asked = zip(own, actions, turns_rad, strict=True)
    return [_fault(partial(episode.step, *how)) for episode, *how in asked]


def _fault(step: Callable[[], object]) -> EnvFault | None:
    try:
        step()
    except EnvFault as error:
        return error
    return None
