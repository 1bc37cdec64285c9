"""Tokens one after the other: each is chosen given those before it, with a key-value cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.errors import UsageError, unknown
from pi0bench.policy.heads.action_bins import BINS
from pi0bench.policy.heads.action_tokenizers import ActionTokenizer, BinTokenizer, FastTokenizer
from pi0bench.policy.heads.head import (
    Context,
    Head,
    NoiseSource,
    Sampled,
    Target,
    masked_mean,
    whole,
)
from pi0bench.policy.normalisation import ActionSpace

HORIZON, VOCABULARY = 8, 384


class TokenSequenceHead(Head):
    """Writes the chunk as a sequence of tokens, greedily. Input and output embeddings are tied.

    Args:
        space: of the actions.
        width: W.
        codec: "fast", or a name in `BINS` (then each number is a token: OpenVLA, RT-2).
        horizon: steps that are written; those that are executed suffice.
        vocabulary: tokens of FAST.
        tokenizer: what `FastTokenizer.fit` found.

    Raises:
        UsageError: no codec has that name, or horizon or vocabulary are out of range.
    """

    def __init__(
        self,
        space: ActionSpace,
        width: int,
        *,
        codec: str = "openvla",
        horizon: int = HORIZON,
        vocabulary: int = VOCABULARY,
        tokenizer: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(space, width)
        known = ("fast", *BINS)
        if codec not in known:
            raise UsageError(f"head.codec: {unknown('codec', codec, known)}")
        if not 1 <= horizon <= space.action_horizon:
            raise UsageError(f"head.horizon: {horizon} is not from 1 to {space.action_horizon}")
        self.horizon = horizon
        self.tokenizer: ActionTokenizer
        if codec == "fast":
            if tokenizer is None:
                raise UsageError("head.codec: fast needs the tokenizer that training found")
            self.tokenizer = FastTokenizer(space, horizon, tokenizer)
        else:
            self.tokenizer = BinTokenizer(space, codec, horizon)
        # The last row begins a sequence.
        self.token_embedding = nn.Embedding(self.tokenizer.vocab_size + 1, width)
        self.position_embedding = nn.Parameter(torch.zeros(self.tokenizer.max_length, width))

    @classmethod
    def fit_tokenizer(
        cls, target: Target, space: ActionSpace, options: Mapping[str, Any]
    ) -> dict[str, Any]:
        """FAST's tokenizer; nothing for bins."""
        if options.get("codec") != "fast":
            return {}
        chunks, there = whole(target, int(options.get("horizon", HORIZON)))
        size = int(options.get("vocabulary", VOCABULARY))
        return {"tokenizer": FastTokenizer.fit(space, chunks[there], size)}

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        nn.init.normal_(self.token_embedding.weight, std=self.width**-0.5, generator=generator)
        nn.init.normal_(self.position_embedding, std=0.5, generator=generator)

    def embed(self, tokens: Tensor, start: int = 0) -> Tensor:
        """Tokens (B, S) that come before the places from `start` on, (B, S, W)."""
        said = self.token_embedding(tokens) * self.width**0.5
        return said + self.position_embedding[start : start + tokens.shape[1]]

    def logits(self, out: Tensor) -> Tensor:
        """Outputs (B, S, W) to logits (B, S, vocabulary)."""
        return out @ self.token_embedding.weight[:-1].T

    def tokenize(self, target: Target) -> Target:
        """The target with its sequences, (B, max_length), and which of their tokens count."""
        tokens, counts = self.tokenizer.encode(target)
        return replace(target, tokens=tokens, token_mask=counts)

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Mean cross-entropy over the tokens that count, nats; all are read in one pass."""
        written = self.tokenize(target) if target.tokens is None else target
        tokens, counts = written.tokens, written.token_mask
        assert tokens is not None
        assert counts is not None
        if not tokens.is_cuda:  # a GPU would wait for the number, and has room for the padding
            longest = max(1, int(counts.any(dim=0).sum()))
            tokens, counts = tokens[:, :longest], counts[:, :longest]
        begin = tokens.new_full((len(tokens), 1), self.tokenizer.vocab_size)
        read = self.embed(torch.cat([begin, tokens[:, :-1]], dim=1))
        found = self.logits(context.evaluate(read, causal=True))
        error = functional.cross_entropy(found.movedim(-1, 1), tokens, reduction="none")
        return masked_mean(error, counts)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """The sequence of the likeliest next tokens; a row's evaluations end with its sequence."""
        rows, device = len(context.state), context.state.device
        size = (rows, self.tokenizer.max_length + 1)
        tokens = torch.full(size, self.tokenizer.vocab_size, device=device)
        ended, evaluations = (
            torch.zeros(rows, dtype=torch.bool),
            torch.zeros(rows, dtype=torch.long),
        )
        kv_cache = context.kv_cache
        suffix = torch.cat([context.state[:, None], self.embed(tokens[:, :1])], dim=1)
        for place in range(self.tokenizer.max_length):
            blocks = torch.arange(suffix.shape[1], device=device)
            out, kv_cache = context.trunk.suffix(kv_cache, suffix, blocks)
            evaluations += ~ended
            tokens[:, place + 1] = self.logits(out[:, -1:]).argmax(dim=-1)[:, 0]
            if self.tokenizer.eos is not None:
                ended = ended | (tokens[:, place + 1] == self.tokenizer.eos).cpu()
                if ended.all():
                    break
            suffix = self.embed(tokens[:, place + 1 : place + 2], place + 1)
        return Sampled(self.tokenizer.decode(tokens[:, 1:]), evaluations)
