"""Categories that noise chooses have the probabilities of their logits."""

from __future__ import annotations

import pytest
import torch

from pi0bench.policy.heads.categorical_sampling import draw_categories
from tests.policy.conftest import seeded

LOGITS = torch.tensor([0.3, -1.0, 1.2, float("-inf"), 0.0])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_categories_are_as_frequent_as_they_are_likely(temperature: float) -> None:
    noise = torch.randn(100_000, generator=seeded(0))
    found = draw_categories(LOGITS.expand(len(noise), -1), noise, temperature)
    shares = torch.bincount(found, minlength=len(LOGITS)) / len(noise)
    torch.testing.assert_close(shares, (LOGITS / temperature).softmax(0), atol=5e-3, rtol=0)
    assert shares[3] == 0


def test_without_temperature_noise_does_not_matter() -> None:
    for noise in (-9.0, 0.0, 9.0):
        assert draw_categories(LOGITS, torch.tensor(noise), 0.0) == 2


def test_no_noise_leads_out_of_the_categories() -> None:
    noise = torch.tensor([-50.0, 50.0])
    found = draw_categories(LOGITS.expand(2, -1), noise, 1.0)
    assert found.tolist() == [0, 4]
