from __future__ import annotations

import pytest

from pi0bench.errors import UsageError
from pi0bench.policy.instruction_tokenizer import InstructionTokenizer


def test_words_become_their_numbers() -> None:
    words = InstructionTokenizer(["put", "the", "red", "cube"])
    tokens, mask = words.encode(["Put the RED cube!", "put_the  zebra", ""], length=5)
    assert tokens.tolist() == [[2, 3, 4, 5, 0], [2, 3, 1, 0, 0], [0] * 5]
    assert mask.sum(1).tolist() == [4, 3, 0]
    assert len(words) == 6


def test_long_text_is_cut_and_the_default_is_16_words() -> None:
    tokens, mask = InstructionTokenizer(["a", "b"]).encode(["a " * 15 + "b b"])
    assert tokens.shape == (1, 16)
    assert mask.all()
    assert tokens[0, -2:].tolist() == [2, 3]


def test_no_string_and_no_batch_is_too_odd() -> None:
    odd = ["\x00", "\ud800", "İ", "🤖 ☃", " \n\t", "café", "ß" * 1000, "'; --", "1/2"]
    tokens, mask = InstructionTokenizer(["put"]).encode(odd)
    assert tokens.shape == (9, 16)
    assert set(tokens.unique().tolist()) <= {0, 1}
    assert (mask == (tokens != 0)).all()
    assert InstructionTokenizer([]).encode([])[0].shape == (0, 16)


@pytest.mark.parametrize("vocabulary", [["two words"], ["red", "Red"], [""], ["top-left"]])
def test_a_vocabulary_that_could_never_match_is_refused(vocabulary: list[str]) -> None:
    with pytest.raises(UsageError, match="vocabulary"):
        InstructionTokenizer(vocabulary)
