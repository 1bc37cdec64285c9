"""Instructions as word numbers: small, readable, and defined for every string."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from pi0bench.errors import UsageError

PADDING, UNKNOWN = 0, 1


class InstructionTokenizer:
    """A word-level tokenizer; word i of the vocabulary is id i + 2, 0 is padding, 1 is unknown."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """Number the vocabulary in the order given; case does not count."""
        words = [word.lower() for word in vocabulary]
        wrong = [word for word in words if split(word) != [word]]
        wrong += sorted({word for word in words if words.count(word) > 1})
        if wrong:
            raise UsageError(f"vocabulary: not one word each, or there twice: {', '.join(wrong)}")
        self.vocabulary = tuple(words)
        self._ids = {word: i for i, word in enumerate(words, start=2)}

    def __len__(self) -> int:
        """The number of ids, which an embedding table needs as rows."""
        return len(self.vocabulary) + 2

    def encode(self, instructions: Sequence[str], length: int = 16) -> tuple[Tensor, Tensor]:
        """Turn instructions into ids, padded on the right and cut to `length` words.

        Returns:
            ids (B, length) int64 and valid (B, length) bool, False where there is padding.
        """
        ids = torch.full((len(instructions), length), PADDING, dtype=torch.int64)
        for row, text in zip(ids, instructions, strict=True):
            said = self.numbers(text)[:length]
            row[: len(said)] = torch.tensor(said)
        return ids, ids != PADDING

    def numbers(self, text: str) -> list[int]:
        """The ids of the words of a text."""
        return [self._ids.get(word, UNKNOWN) for word in split(text)]


def split(text: str) -> list[str]:
    """Lower-cased words: runs of letters and digits; anything else only separates them."""
    return re.findall(r"[^\W_]+", text.lower())
