"""Masked decoding: what order and rounds do to the distribution, and what the network is told."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pi0bench.errors import UsageError
from pi0bench.policy.heads.head import Context, Target
from pi0bench.policy.heads.masked_decoding import decode_masked, known_after
from pi0bench.policy.heads.masked_tokens import MaskedTokensHead
from tests.policy.conftest import DIM, HORIZON, ROWS, Small, noise, seeded, smooth

Make = Callable[..., Small]

JOINT = torch.tensor([[[0.30, 0.02], [0.03, 0.05]], [[0.04, 0.21], [0.33, 0.02]]])
"""Probabilities of three tokens of two kinds each; each has much to say of the others."""
DRAWS = 60_000


def conditionals(tokens: Tensor, known: Tensor) -> Tensor:
    """The true logits of every token of `JOINT` given those that are known."""
    cells = torch.cartesian_prod(*[torch.arange(2)] * 3)
    agree = ((cells == tokens[:, None]) | ~known[:, None]).all(dim=2)
    weight = agree * JOINT.flatten()
    ones = torch.stack([(weight * (cells[:, i] == k)).sum(1) for i in range(3) for k in range(2)])
    return ones.T.unflatten(1, (3, 2)).log()


def drawn(rounds: int) -> Tensor:
    """How often each cell of `JOINT` is decoded."""
    generator = seeded(0)
    found, taken = decode_masked(
        conditionals, lambda: torch.randn(DRAWS, 3, generator=generator), rounds, 1.0
    )
    assert taken == min(rounds, 3)
    return torch.bincount(found @ torch.tensor([4, 2, 1]), minlength=8).view(2, 2, 2) / DRAWS


def test_one_token_a_round_comes_from_the_joint_distribution() -> None:
    torch.testing.assert_close(drawn(3), JOINT, atol=0.01, rtol=0)
    torch.testing.assert_close(drawn(9), JOINT, atol=0.01, rtol=0)


def test_one_round_comes_from_the_product_of_the_marginals() -> None:
    one, two, three = JOINT.sum((1, 2)), JOINT.sum((0, 2)), JOINT.sum((0, 1))
    product = one[:, None, None] * two[:, None] * three
    torch.testing.assert_close(drawn(1), product, atol=0.01, rtol=0)
    assert (product - JOINT).abs().max() > 0.1


@pytest.mark.parametrize("places", [3, 24, 112])
@pytest.mark.parametrize("rounds", [1, 2, 5, 10, 24, 112])
def test_every_round_makes_some_known_and_the_last_all(rounds: int, places: int) -> None:
    rounds = min(rounds, places)
    known = [known_after(i, rounds, places) for i in range(rounds + 1)]
    assert known[0] == 0
    assert known[-1] == places
    assert all(after > before for before, after in pairwise(known))
    if rounds == places:
        assert known == list(range(places + 1))


def test_few_are_known_after_the_first_rounds() -> None:
    assert [known_after(i, 4, 100) for i in range(5)] == [0, 8, 29, 62, 100]


def masked_head(made: Small) -> MaskedTokensHead:
    assert isinstance(made.head, MaskedTokensHead)
    return made.head


@torch.no_grad()
def test_one_round_is_the_parallel_head(small: Make) -> None:
    parallel, masked = (
        small({"kind": kind, "bins": "centres"}) for kind in ("parallel_tokens", "masked_tokens")
    )
    assert torch.equal(parallel.sample(noise(1)), masked.sample(noise(1), 1))
    assert not torch.equal(parallel.sample(noise(1)), masked.sample(noise(1), 5))


@torch.no_grad()
def test_no_more_rounds_than_numbers_are_evaluated(small: Make) -> None:
    made = small({"kind": "masked_tokens"})
    assert made.sampled(noise(1), 1000).evaluations == HORIZON * DIM
    with pytest.raises(UsageError, match="0 is not a number of sampler steps"):
        made.head.sample(made.context(), noise(1), 0, "surest_first")


@torch.no_grad()
def test_only_what_is_known_is_told(small: Make) -> None:
    made = small({"kind": "masked_tokens"})
    head, context = masked_head(made), made.context()
    bins = torch.randint(256, (ROWS, HORIZON, DIM), generator=seeded(1))
    known = torch.rand(bins.shape, generator=seeded(2)) < 0.5
    told = head.logits_given(context, bins, known)
    hidden, shown = bins.clone(), bins.clone()
    hidden[~known] = 7
    shown[known] = 7
    assert torch.equal(head.logits_given(context, hidden, known), told)
    assert (head.logits_given(context, shown, known) - told).abs().max() > 0.01


def test_the_loss_is_of_masked_numbers_of_valid_steps(
    small: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = small({"kind": "masked_tokens"})
    head = masked_head(made)
    target = Target(smooth(ROWS, seeded(7)), torch.ones(ROWS, HORIZON).bool())
    target.valid[0, 5:] = False
    seen: list[tuple[Tensor, Tensor, Tensor]] = []
    logits_given = head.logits_given

    def spy(context: Context, bins: Tensor, known: Tensor) -> Tensor:
        found = logits_given(context, bins, known)
        seen.append((found, bins, known))
        return found

    monkeypatch.setattr(head, "logits_given", spy)
    loss = head.loss(made.context(), target, seeded(3), draws=40)
    [(found, bins, known)] = seen
    valid = target.valid.repeat_interleave(40, 0)[..., None].expand_as(known)
    assert not (known & ~valid).any()
    asked = valid & ~known
    wanted = functional.cross_entropy(found[asked], bins[asked])
    torch.testing.assert_close(loss, wanted)
    # The mean of the cosine of a quarter turn is 2/π.
    assert asked.sum() / valid.sum() == pytest.approx(2 / torch.pi, abs=0.06)
    assert torch.equal(bins[::40], head.bins.encode(target.actions))
