from __future__ import annotations

import math

import pytest

from pi0bench.train.fit_config import FitConfig
from pi0bench.train.optimizers import learning_rate_shares


def test_rates_rise_linearly_and_fall_along_a_cosine() -> None:
    shares = learning_rate_shares(FitConfig(steps=100, batch=1, warmup=20))
    assert shares[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    fall = [0.05 + 0.475 * (1 + math.cos(math.pi * step / 80)) for step in range(80)]
    assert shares[20:] == pytest.approx(fall)


@pytest.mark.parametrize(("steps", "warmup"), [(3, 0), (3, 1), (3, 3), (3, 200), (1, 1)])
def test_a_training_may_be_shorter_than_its_warm_up(steps: int, warmup: int) -> None:
    shares = learning_rate_shares(FitConfig(steps=steps, batch=1, warmup=warmup))
    assert len(shares) == steps
    assert shares[0] == pytest.approx(1 / max(1, warmup))
    assert max(shares) <= 1 + 1e-9
