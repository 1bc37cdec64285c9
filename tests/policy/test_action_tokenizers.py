"""Tokens: the three published rules of bins, byte pairs, and FAST."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pi0bench.policy.heads import byte_pair_encoding
from pi0bench.policy.heads.action_bins import BINS
from pi0bench.policy.heads.action_tokenizers import BinTokenizer, FastTokenizer, cosines
from pi0bench.policy.heads.head import Target
from pi0bench.policy.normalisation import ActionSpace
from tests.policy.conftest import DIM, HORIZON, seeded, smooth

UNIT = ActionSpace(
    HORIZON,
    (torch.full((DIM,), -1.0), torch.full((DIM,), 1.0)),
    (torch.full((DIM,), -1.0), torch.full((DIM,), 1.0)),
)


@pytest.mark.parametrize(
    ("rule", "most"),
    [("centres", 1 / 255), ("rt1", 2 / 255), ("openvla", 1 / 255)],
)
def test_bins_round_trip_within_what_the_rule_promises(rule: str, most: float) -> None:
    """Half a bin where a bin stands for its centre, a whole one where for its lower end."""
    bins = BINS[rule](UNIT)
    numbers = torch.linspace(-1, 1, 30_003).reshape(-1, DIM)
    tokens = bins.encode(numbers)
    assert tokens.min() == 0
    assert tokens.max() <= 255
    error = numbers - bins.decode(tokens)
    assert error.abs().max() <= most + 1e-6
    biased = rule == "rt1"
    assert error.mean() == pytest.approx(most / 2 if biased else 0, abs=1e-4)


@pytest.mark.parametrize("rule", BINS)
def test_what_is_out_of_range_gets_the_last_bin(rule: str) -> None:
    bins = BINS[rule](UNIT)
    far = bins.encode(torch.tensor([[-9.0, 9.0, 0.0]]))
    near = bins.encode(torch.tensor([[-1.0, 1.0, 0.0]]))
    assert torch.equal(far, near)


def test_the_published_rules_differ() -> None:
    numbers = torch.tensor([[-0.999, 0.0, 0.9999]])
    tokens = {rule: BINS[rule](UNIT).encode(numbers)[0].tolist() for rule in BINS}
    theirs = [0, 127, 254]
    assert tokens == {"centres": theirs, "rt1": theirs, "openvla": theirs}
    decoded = {rule: BINS[rule](UNIT).decode(torch.tensor([0, 127, 254])) for rule in BINS}
    assert decoded["rt1"].tolist() == pytest.approx([-1, -1 / 255, 253 / 255], abs=1e-6)
    assert decoded["centres"].tolist() == pytest.approx([-254 / 255, 0, 254 / 255], abs=1e-6)
    assert decoded["openvla"].tolist() == pytest.approx([-254 / 255, 0, 254 / 255], abs=1e-6)


def test_openvla_gives_the_last_edge_the_bin_below_it() -> None:
    bins = BINS["openvla"](UNIT)
    tokens = bins.encode(torch.tensor([[1.0, 0.9999, -1.0]]))
    assert tokens.tolist() == [[255, 254, 0]]
    assert bins.decode(tokens)[0, 0] == bins.decode(tokens)[0, 1]


def reference(row: list[int], merges: list[byte_pair_encoding.Pair], alphabet: int) -> list[int]:
    """Byte pairs as textbooks have them: one merge after the other, from the left."""
    for new, pair in enumerate(merges, start=alphabet):
        out: list[int] = []
        for symbol in row:
            if out and (out[-1], symbol) == pair:
                out[-1] = new
            else:
                out.append(symbol)
        row = out
    return row


def test_byte_pairs_are_those_of_the_textbook_and_expand_to_the_symbols() -> None:
    rows = np.random.default_rng(0).geometric(0.5, (200, 24)).clip(1, 6) - 1
    merges = byte_pair_encoding.learn(rows, alphabet=6, vocabulary=40)
    assert len(merges) == 34
    table = byte_pair_encoding.expand(6, merges)
    for row, ids in zip(rows.tolist(), byte_pair_encoding.encode(rows, 6, merges), strict=True):
        assert ids.tolist() == reference(row, merges, 6)
        assert [symbol for token in ids for symbol in table[token]] == row


def test_equal_neighbours_are_merged_from_the_left() -> None:
    rows = np.array([[0, 0, 0, 1, 0, 0, 0, 0]])
    assert [ids.tolist() for ids in byte_pair_encoding.encode(rows, 2, [(0, 0)])] == [
        [2, 0, 1, 2, 2]
    ]


def test_pairs_that_are_found_once_are_not_merged() -> None:
    assert byte_pair_encoding.learn(np.array([[0, 1, 2, 3]]), alphabet=4, vocabulary=99) == []


def fast(chunks: Tensor, vocabulary: int = 120) -> FastTokenizer:
    return FastTokenizer(UNIT, HORIZON, FastTokenizer.fit(UNIT, chunks, vocabulary))


def whole(chunks: Tensor) -> Target:
    return Target(chunks, torch.ones(chunks.shape[:2]).bool())


def test_the_cosine_transform_is_orthonormal() -> None:
    waves = cosines(16)
    torch.testing.assert_close(waves @ waves.T, torch.eye(16), atol=1e-5, rtol=0)


def test_fast_round_trips_within_its_rounding_and_is_shorter() -> None:
    chunks = smooth(500, seeded(0)) / 2
    tokenizer = fast(chunks)
    tokens, counts = tokenizer.encode(whole(chunks))
    assert tokens.shape == counts.shape == (500, tokenizer.max_length)
    assert counts.sum(1).float().mean() < 0.6 * HORIZON * DIM
    error = tokenizer.decode(tokens) - chunks
    # A coefficient is off by at most 0.05; the transform keeps lengths.
    assert error.flatten(1).norm(dim=1).max() <= 0.05 * (HORIZON * DIM) ** 0.5 + 1e-5


def test_fast_clamps_what_is_out_of_range_and_decodes_every_sequence() -> None:
    chunks = smooth(300, seeded(0)) / 2
    tokenizer = fast(chunks)
    wild = 50 * torch.randn(20, HORIZON, DIM, generator=seeded(1))
    tokens, _ = tokenizer.encode(whole(wild))
    assert tokenizer.decode(tokens).isfinite().all()
    random = torch.randint(
        0, tokenizer.vocab_size, (200, tokenizer.max_length), generator=seeded(2)
    )
    decoded = tokenizer.decode(random)
    assert decoded.shape == (200, HORIZON, DIM)
    assert decoded.isfinite().all()
    ended = torch.full((1, tokenizer.max_length), tokenizer.vocab_size - 1)
    torch.testing.assert_close(tokenizer.decode(ended), torch.zeros(1, HORIZON, DIM))


def test_fast_learns_from_whole_chunks_only() -> None:
    chunks = smooth(50, seeded(0)) / 2
    target = whole(chunks)
    target.valid[3, -1] = False
    _, counts = fast(chunks).encode(target)
    assert counts.any(dim=1).tolist() == [i != 3 for i in range(50)]


def test_bins_write_the_first_steps_number_by_number() -> None:
    tokenizer = BinTokenizer(UNIT, "openvla", 5)
    chunks = smooth(4, seeded(0)) / 3
    target = whole(chunks)
    target.valid[0, 2:] = False
    tokens, counts = tokenizer.encode(target)
    assert tokens.shape == (4, 5 * DIM)
    assert counts[0].tolist() == [True] * 2 * DIM + [False] * 3 * DIM
    decoded = tokenizer.decode(tokens)
    assert (decoded - chunks[:, :5].clamp(-1, 1)).abs().max() <= 1 / 255 + 1e-6
