"""What a served policy remembers of its clients' episodes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pi0bench.openpi.msgpack_codec import MalformedError
from pi0bench.policy.policy_protocol import Observation

MOST = 4096
"""Clients never say that an episode has ended: those not heard of for longest are forgotten."""


@dataclass(frozen=True, eq=False)
class _Known:
    """Of one episode: its last step that was planned for, and the memory before and after it."""

    step: int
    before: Any
    after: Any


class Episodes:
    """Memories by the episode's name; one that begins anew, at step 0, has none."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def place(self, seen: Observation, message: Mapping[Any, Any]) -> Observation:
        """The observation in the episode that its message tells of, if it tells of any.

        Raises:
            MalformedError: it is no such message, or nothing is known of what came before.
        """
        name, step = message.get("episode", ""), message.get("step", 0)
        if not isinstance(name, str) or type(step) is not int or step < 0:
            raise MalformedError(f"episode, step: a name and a number, not {name!r}, {step!r}")
        known = self._known.get(name)
        if not name or step == 0:
            return replace(seen, episode=name, step=step)
        if known is None or known.step > step:
            raise MalformedError(f"episode: {name!r} has not begun here; step 0 begins it")
        memory = known.before if known.step == step else known.after
        return replace(seen, episode=name, step=step, memory=memory)

    def keep(self, seen: Observation, memory: Any) -> None:
        """Remember what a plan for an observation left."""
        if seen.episode:
            self._known[seen.episode] = _Known(seen.step, seen.memory, memory)
            self._known.move_to_end(seen.episode)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
