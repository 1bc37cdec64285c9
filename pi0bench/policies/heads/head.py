"""What a head is: how its input enters the trunk, its loss and its sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Generator, Tensor, nn

from pi0bench.policies.trunk import PrefixCache, Trunk


class Head(nn.Module, ABC):
    """One way to generate an action chunk; nothing else differs in a comparison group.

    Letters: B observations, H chunk steps, A action dimensions, W the action expert's width.
    Time is 0 at noise and 1 at data.
    """

    @abstractmethod
    def embed(self, noisy: Tensor, time: Tensor) -> Tensor:
        """The head's input as action tokens: (B, H, A) at times (B,) to (B, H, W)."""

    @abstractmethod
    def loss(
        self,
        trunk: Trunk,
        cache: PrefixCache,
        state_token: Tensor,
        actions: Tensor,
        valid: Tensor,
        generator: Generator,
        draws: int = 1,
    ) -> Tensor:
        """Mean training loss over the valid steps.

        Args:
            trunk: the trunk that made `cache`.
            cache: the prefix of the B observations.
            state_token: embedded proprioception, (B, W).
            actions: normalised expert chunks, (B, H, A).
            valid: False for steps after the demonstration's end, (B, H) bool.
            generator: the source of noise and times.
            draws: random draws an observation, which share its prefix.

        Returns:
            A scalar.
        """

    @abstractmethod
    def sample(
        self, trunk: Trunk, cache: PrefixCache, state_token: Tensor, noise: Tensor, steps: int
    ) -> Tensor:
        """Normalised chunks (B, H, A) from standard normal noise (B, H, A).

        The noise is an argument so that every number of steps can be given the same. Call it
        under `torch.inference_mode()` unless the gradient is wanted.
        """


def evaluate(
    trunk: Trunk, cache: PrefixCache, state_token: Tensor, action_tokens: Tensor
) -> Tensor:
    """One suffix pass [state] | [actions]: tokens (B, W) and (B, H, W) to outputs (B, H, W)."""
    tokens = torch.cat([state_token[:, None], action_tokens], dim=1)
    blocks = (torch.arange(tokens.shape[1], device=tokens.device) > 0).long()
    return trunk.suffix(cache, tokens, blocks)[:, 1:]
