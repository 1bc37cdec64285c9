"""What a policy is shown of an episode: this moment, and the control steps before if it asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pi0bench.envs.episode_protocol import Episode
from pi0bench.envs.render.renderer_protocol import Image, Renderer
from pi0bench.policy.policy_protocol import Observation, Traits
from pi0bench.policy_role import Role

NOTHING: Mapping[str, Image] = MappingProxyType({})


class Witness:
    """Looks at one episode, for one policy, at the control steps that it asks for.

    Args:
        episode: from its first step on.
        name: the episode's.
        traits: the policy's.
        renderer: draws what it sees; None when it sees nothing.
    """

    def __init__(
        self, episode: Episode, name: str, traits: Traits, renderer: Renderer | None
    ) -> None:
        self._episode, self._name = episode, name
        self._traits, self._renderer = traits, renderer
        self._past: deque[Observation] = deque(maxlen=traits.n_obs_steps - 1)

    def observe(self, memory: Any) -> Observation:
        """What the policy may know now, when it plans.

        Args:
            memory: of the episode, which its last plan left.
        """
        now, earlier = self._look(memory), self._traits.n_obs_steps - 1
        if not earlier:
            return now
        past = (*self._past,)
        first = past[0] if past else self._bare(now)
        self._past.append(self._bare(now))
        return replace(now, past=((first,) * (earlier - len(past)) + past))

    def step_done(self, left: int) -> None:
        """Look where the next plan will ask for it, with so many steps left until then."""
        if 0 < left < self._traits.n_obs_steps:
            self._past.append(self._bare(self._look(None)))

    def _look(self, memory: Any) -> Observation:
        episode, traits = self._episode, self._traits
        seen = episode.observe(self._renderer, traits.image_side, traits.points)
        seen.proprio.flags.writeable = False
        for image in seen.images.values():
            image.flags.writeable = False
        if seen.points is not None:
            seen.points.flags.writeable = False
        return Observation(
            images=MappingProxyType(seen.images) if seen.images else NOTHING,
            proprio=seen.proprio,
            instruction=episode.instruction,
            expert_action=episode.expert_action if traits.role is Role.PRIVILEGED else None,
            points=seen.points,
            joints_rad=seen.joints_rad,
            low=episode.low,
            high=episode.high,
            episode=self._name,
            step=episode.steps,
            memory=memory,
        )

    def _bare(self, seen: Observation) -> Observation:
        """As it is remembered: the expert acts on the present alone."""
        return replace(seen, expert_action=None, memory=None)
