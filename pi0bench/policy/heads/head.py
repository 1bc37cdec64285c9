"""What a head is: how its input enters the trunk, its loss and its sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.errors import UsageError
from pi0bench.policy.heads.chunk_guidance import Guidance
from pi0bench.policy.normalisation import ActionSpace
from pi0bench.policy.pi0_trunk import KVCache, Trunk
from pi0bench.policy.weight_init import initialise

NoiseSource = Callable[[], Tensor]
"""Each call gives fresh standard normal noise, (B, H, A); a row's never depends on the others."""


@dataclass(frozen=True)
class Context:
    """What a head may ask of B observations.

    Attributes:
        trunk: runs the action expert.
        kv_cache: of the prefix of the observations.
        state: embedded proprioception, (B, W).
        seen: the action tokens to which others attend, (B, S) bool; all of them when None.
    """

    trunk: Trunk
    kv_cache: KVCache
    state: Tensor
    seen: Tensor | None = None

    def seeing(self, valid: Tensor) -> Context:
        """The same where nobody attends to action tokens of steps that do not count, (B, H).

        For heads that learn from chunks into which noise was mixed: what came after the end, or
        after a push that nobody could foresee, would be there to be seen.
        """
        return replace(self, seen=valid)

    def repeat(self, draws: int) -> Context:
        """Let each observation serve `draws` rows that follow one another."""
        if draws == 1:
            return self
        kv_cache, state = self.kv_cache.repeat(draws), self.state.repeat_interleave(draws, 0)
        seen = None if self.seen is None else self.seen.repeat_interleave(draws, 0)
        return Context(self.trunk, kv_cache, state, seen)

    def select(self, rows: Tensor) -> Context:
        """The observations of these numbers, (R,) int, each as often as it is named."""
        kv_cache, state = self.kv_cache.select(rows), self.state.index_select(0, rows)
        return Context(self.trunk, kv_cache, state, None if self.seen is None else self.seen[rows])

    def evaluate(self, tokens: Tensor, causal: bool = False) -> Tensor:
        """One pass over [state] | [actions]: action tokens (B, S, W) to outputs (B, S, W).

        Args:
            tokens: embedded action tokens.
            causal: whether a token attends to those before it only, rather than to all of them.
        """
        everything = torch.cat([self.state[:, None], tokens], dim=1)
        blocks = torch.arange(everything.shape[1], device=tokens.device)
        if not causal:
            blocks = (blocks > 0).long()
        there = None if self.seen is None else functional.pad(self.seen, (1, 0), value=True)
        return self.trunk.suffix(self.kv_cache, everything, blocks, there)[0][:, 1:]


@dataclass(frozen=True)
class Target:
    """What a head learns to generate for B observations.

    Attributes:
        actions: normalised chunks, (B, H, A).
        valid: False for steps that do not count, (B, H) bool.
        noise: the noise that belongs to each chunk, (B, H, A); None when any does.
        tokens: what the head made of the chunks (see `Head.tokenize`), (B, …); None before.
        token_mask: which of the tokens count, where a head says so, of the same shape.
    """

    actions: Tensor
    valid: Tensor
    noise: Tensor | None = None
    tokens: Tensor | None = None
    token_mask: Tensor | None = None


@dataclass(frozen=True)
class Sampled:
    """Chunks, (B, at most H, A), and the network's evaluations that they took, a number or (B,)."""

    actions: Tensor
    evaluations: int | Tensor = 1


class Head(nn.Module, ABC):
    """One way to generate an action chunk; nothing else differs in a comparison group.

    Letters: B observations, H chunk steps, A action dimensions, W the action expert's width.
    Time is 0 at noise and 1 at data. A head is made from the action space, the width and the
    options of its card, which are the constructor's keywords.

    Attributes:
        horizon: steps that each of its chunks has at least; those of the action space, unless a
            head writes fewer.
    """

    solvers: tuple[str, ...] = ()
    """The samplers that it can use, its card's first; empty when it takes no steps."""

    steps: int = 0
    """Steps that its sampler takes unless told otherwise; 0 when it takes none."""

    guidable: bool = False
    """Whether it has `sample_guided`."""

    draws: bool = False
    """Whether its chunks are drawn by chance."""

    prefix_steps: int = 0
    """How many of a chunk's first actions can be given, as it has learned."""

    def __init__(self, space: ActionSpace, width: int) -> None:
        super().__init__()
        self.space, self.width = space, width
        self.horizon = space.action_horizon

    @classmethod
    def options(cls) -> Callable[..., Any]:
        """What has its card's options as keywords, with their types: the constructor."""
        return cls

    @classmethod
    def fit_tokenizer(
        cls, target: Target, space: ActionSpace, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What it must know of the data before it is made, as keywords for the constructor.

        Args:
            target: all of the demonstrations' chunks.
            space: of their actions.
            options: those of its card.

        Returns:
            JSON values.
        """
        return {}

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        initialise(self, generator)

    def tokenize(self, target: Target) -> Target:
        """The target with its tokens, for heads that learn tokens: once, before training."""
        return target

    @abstractmethod
    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Mean training loss over what counts, a scalar.

        Args:
            context: of the B observations.
            target: what is to be generated.
            generator: the source of noise and times.
            draws: random draws an observation, which share its prefix; heads that draw nothing
                ignore it.
        """

    @abstractmethod
    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """Normalised chunks, (B, at most H, A), and the evaluations of the network they took.

        The noise is an argument so that every number of steps can be given the same. Call it
        under `torch.inference_mode()` unless the gradient is wanted.

        Args:
            context: of the B observations.
            noise: its source.
            steps: of the sampler; ignored by heads without one.
            solver: one of `solvers`; ignored by heads without one.
        """

    def sample_guided(
        self, context: Context, noise: NoiseSource, steps: int, solver: str, guidance: Guidance
    ) -> Sampled:
        """The same, drawn to the plans before; gradients must be possible.

        Raises:
            UsageError: nothing guides this head.
        """
        raise UsageError(f"{type(self).__name__}: nothing guides it")


def masked_mean(error: Tensor, counts: Tensor) -> Tensor:
    """Mean of `error` (B, H, …) over the entries where `counts` (B, H) is True; 0 for none."""
    mask = counts.reshape(*counts.shape, *[1] * (error.ndim - counts.ndim)).expand_as(error)
    return error.masked_fill(~mask, 0).sum() / mask.sum().clamp(min=1)


def whole(target: Target, steps: int) -> tuple[Tensor, Tensor]:
    """The first `steps` steps, (B, steps, A), and the rows of which they all count, (B,) bool.

    For heads to whom a chunk is one thing, which is there or not.
    """
    return target.actions[:, :steps], target.valid[:, :steps].all(dim=1)
