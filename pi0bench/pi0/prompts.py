"""Instructions as the words of a checkpoint: SentencePiece's numbers, in the published form."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pi0bench.errors import UsageError

_BINS = 256


class Words(Protocol):
    """What makes numbers of a text.

    Attributes:
        first: the number that begins every prompt.
    """

    first: int

    def encode(self, text: str) -> list[int]:
        """Numbers of a text."""
        ...


class SentencePieceWords:
    """PaliGemma's words, of its `tokenizer.model`, which is not ours to ship.

    Raises:
        UsageError: the library or the file is missing, or the file is no such model.
    """

    def __init__(self, path: Path) -> None:
        try:
            from sentencepiece import SentencePieceProcessor
        except ModuleNotFoundError as error:
            raise UsageError(f'{path}: {error}; pip install "pi0bench[pi0]"') from None
        if not path.is_file():
            raise UsageError(f"{path}: no such file; PaliGemma's tokenizer.model would work")
        try:
            self._model = SentencePieceProcessor(model_proto=path.read_bytes())
        except RuntimeError as error:
            raise UsageError(f"{path}: no SentencePiece model: {error}") from None
        self.first = int(self._model.bos_id())

    def encode(self, text: str) -> list[int]:
        """See `Words.encode`."""
        return list(self._model.encode(text))


class Bytes:
    """A text's bytes: for random weights, to which all words are the same."""

    first = 2

    def encode(self, text: str) -> list[int]:
        """See `Words.encode`."""
        return [3 + byte for byte in text.encode()]


def prompt(
    words: Words, instruction: str, state: NDArray[np.float64] | None, length: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """An instruction's numbers and which of them are no padding, (length,) each.

    π0 ends an instruction by a new line. π0.5 tells the state behind it, each number by its bin of
    256 between -1 and 1, and asks for the action. What is too long is cut, as in openpi.

    Args:
        words: what makes numbers of a text.
        instruction: what is asked.
        state: normalised, (N,), where it is told in words.
        length: of a prompt.
    """
    text = instruction.strip().replace("_", " ").replace("\n", " ")
    if state is None:
        said = [*words.encode(text), *words.encode("\n")]
    else:
        bins = np.digitize(state, np.linspace(-1, 1, _BINS + 1)[:-1]) - 1
        said = words.encode(f"Task: {text}, State: {' '.join(map(str, bins))};\nAction: ")
    said = [words.first, *said][:length]
    numbers = np.zeros(length, np.int64)
    numbers[: len(said)] = said
    return numbers, np.arange(length) < len(said)
