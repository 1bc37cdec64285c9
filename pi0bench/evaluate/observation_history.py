"""What a policy is shown of an episode: this moment, and the control steps before if it asks."""

from __future__ import annotations

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
        grain: control steps of which there are several, or one, from each plan to the next.
    """

    def __init__(
        self, episode: Episode, name: str, traits: Traits, renderer: Renderer | None, grain: int
    ) -> None:
        self._episode, self._name = episode, name
        self._traits, self._renderer, self._grain = traits, renderer, grain
        stride = traits.obs_stride
        self._ago = [stride * k for k in range(traits.n_obs_steps - 1, 0, -1)]
        self._past: dict[int, Observation] = {}

    def observe(self, memory: Any) -> Observation:
        """What the policy may know now, when it plans.

        Args:
            memory: of the episode, which its last plan left.
        """
        now = self._look(memory)
        if not self._ago:
            return now
        self._past.setdefault(0, self._bare(now))
        if self._wanted_after(0):
            self._past[now.step] = self._bare(now)
        past = tuple(self._at(now.step - ago) for ago in self._ago)
        self._past = {
            step: seen
            for step, seen in self._past.items()
            if step >= now.step - self._ago[0] or step == 0
        }
        return replace(now, past=past)

    def step_done(self, left: int) -> None:
        """Look where a coming plan will ask for it, with so many steps left until the next."""
        if left > 0 and self._wanted_after(left):
            self._past[self._episode.steps] = self._bare(self._look(None))

    def _wanted_after(self, left: int) -> bool:
        """True when a plan so many steps later, or one of those after it, looks back here."""
        later = (ago - left for ago in self._ago)
        return any(ahead >= 0 and ahead % self._grain == 0 for ahead in later)

    def _at(self, step: int) -> Observation:
        """What was seen then, or last before: no chunk is longer than the policy said."""
        return self._past[max(known for known in self._past if known <= max(step, 0))]

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
