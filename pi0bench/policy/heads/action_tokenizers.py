"""Chunks as sequences of tokens, for heads that write one token after the other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pi0bench.policy.heads import byte_pair_encoding
from pi0bench.policy.heads.action_bins import BINS
from pi0bench.policy.heads.head import Target, whole
from pi0bench.policy.normalisation import ActionSpace


class ActionTokenizer(ABC):
    """A chunk (H, A) as at most `max_length` tokens.

    Attributes:
        vocab_size: number of tokens.
        max_length: of the longest sequence.
        eos: the token that ends a sequence, None when all are equally long.
    """

    vocab_size: int
    max_length: int
    eos: int | None = None

    @abstractmethod
    def encode(self, target: Target) -> tuple[Tensor, Tensor]:
        """Chunks to tokens, (B, max_length), and which of them count, (B, max_length)."""

    @abstractmethod
    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (B, max_length) to numbers (B, at most H, A); every sequence means something."""


class BinTokenizer(ActionTokenizer):
    """A token a number, step after step, for the first `horizon` steps."""

    def __init__(self, space: ActionSpace, rule: str, horizon: int) -> None:
        self.bins, self.shape = BINS[rule](space), (horizon, space.dim)
        self.vocab_size, self.max_length = self.bins.count, horizon * space.dim

    def encode(self, target: Target) -> tuple[Tensor, Tensor]:
        """See `ActionTokenizer`."""
        steps, dim = self.shape
        counts = target.valid[:, :steps].repeat_interleave(dim, 1)
        return self.bins.encode(target.actions[:, :steps]).flatten(1), counts

    def decode(self, tokens: Tensor) -> Tensor:
        """See `ActionTokenizer`."""
        return self.bins.decode(tokens.unflatten(1, self.shape))


class FastTokenizer(ActionTokenizer):
    """FAST: rounded cosine coefficients of each dimension over time, then byte pairs.

    Coefficients outside the range of the training data are clamped, and a sequence of the wrong
    length is cut or filled up with zeros, so that every one decodes; the published tokenizer
    drops the whole chunk. The chunk is the first `horizon` steps; it is learned from only where
    they all count.

    Args:
        space: of the actions.
        horizon: steps of a chunk.
        tokenizer: what `FastTokenizer.fit` found.

    Source: Pertsch et al. 2025 (FAST), section V, scale 10.
    """

    SCALE = 10.0

    def __init__(self, space: ActionSpace, horizon: int, tokenizer: Mapping[str, Any]) -> None:
        self.space, self.horizon, self.least = space, horizon, int(tokenizer["least"])
        self.alphabet = int(tokenizer["most"]) - self.least + 1
        self.merges = [(int(left), int(right)) for left, right in tokenizer["merges"]]
        self.symbols = byte_pair_encoding.expand(self.alphabet, self.merges)
        self.eos = len(self.symbols)
        self.vocab_size, self.max_length = self.eos + 1, int(tokenizer["length"])

    @classmethod
    def fit(cls, space: ActionSpace, chunks: Tensor, vocabulary: int) -> dict[str, Any]:
        """Range, merges and longest sequence of normalised chunks (N, H, A), as JSON values."""
        found = cls._coefficients(space, chunks)
        least, most = int(found.min()), int(found.max())
        rows, alphabet = found - least, most - least + 1
        merges = byte_pair_encoding.learn(rows[:: max(1, len(rows) // 8000)], alphabet, vocabulary)
        longest = max(len(row) for row in byte_pair_encoding.encode(rows, alphabet, merges))
        pairs = [list(pair) for pair in merges]
        return {"least": least, "most": most, "merges": pairs, "length": longest + 1}

    @classmethod
    def _coefficients(cls, space: ActionSpace, chunks: Tensor) -> byte_pair_encoding.Ids:
        """Rounded coefficients, low frequencies of all dimensions first, (N, H · A)."""
        low, high = (end.to(chunks) for end in space.quantiles)
        unit = 2 * (chunks - low) / (high - low).clamp(min=0.02) - 1
        waves = torch.einsum("kh,bha->bka", cosines(chunks.shape[1]).to(unit), unit)
        return (cls.SCALE * waves).round().flatten(1).long().cpu().numpy()

    def encode(self, target: Target) -> tuple[Tensor, Tensor]:
        """See `ActionTokenizer`."""
        chunks, there = whole(target, self.horizon)
        symbols = self._coefficients(self.space, chunks) - self.least
        rows = byte_pair_encoding.encode(
            symbols.clip(0, self.alphabet - 1), self.alphabet, self.merges
        )
        tokens = np.full((len(rows), self.max_length), self.eos)
        counts = np.zeros(tokens.shape, bool)
        for i, row in enumerate(rows):
            kept = row[: self.max_length]
            tokens[i, : len(kept)] = kept
            counts[i, : len(kept) + 1] = True
        told = torch.from_numpy(counts).to(chunks.device) & there[:, None]
        return torch.from_numpy(tokens).to(chunks.device), told

    def decode(self, tokens: Tensor) -> Tensor:
        """See `ActionTokenizer`."""
        rows = np.stack([self._written(row) for row in tokens.tolist()])
        waves = torch.from_numpy(rows).to(tokens.device).float() / self.SCALE
        steps = cosines(self.horizon).to(waves)
        unit = torch.einsum("kh,bka->bha", steps, waves.unflatten(1, (-1, self.space.dim)))
        low, high = (end.to(unit) for end in self.space.quantiles)
        return low + (unit + 1) / 2 * (high - low).clamp(min=0.02)

    def _written(self, tokens: Sequence[int]) -> byte_pair_encoding.Ids:
        """The coefficients of one sequence up to its end, (H · A,)."""
        symbols: list[int] = []
        for token in tokens:
            if token >= len(self.symbols):
                break
            symbols += self.symbols[token]
        wanted = self.horizon * self.space.dim
        symbols += [-self.least] * (wanted - len(symbols))
        return np.array(symbols[:wanted]) + self.least


def cosines(steps: int) -> Tensor:
    """The orthonormal discrete cosine transform (type II), (frequencies, steps).

    scipy's has other last bits, by which published records would not be the same.
    """
    frequency, step = torch.arange(steps)[:, None], torch.arange(steps)[None]
    basis = torch.cos(torch.pi / steps * (step + 0.5) * frequency) * (2 / steps) ** 0.5
    basis[0] /= 2**0.5
    return basis
