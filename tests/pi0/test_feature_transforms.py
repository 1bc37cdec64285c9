"""A robot's numbers become the network's and come back."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.errors import UsageError
from pi0bench.pi0.feature_transforms import Normalisation, Transforms

RNG = np.random.default_rng(0)
LOW, HIGH = RNG.normal(size=3), RNG.uniform(2, 3, 3)


@pytest.mark.parametrize("mode", ["z_score", "quantile", "identity"])
def test_what_is_normalised_comes_back(mode: str) -> None:
    numbers = RNG.normal(size=(5, 3))
    of = Normalisation(mode, LOW, HIGH)
    assert of.unnormalise(of.normalise(numbers)) == pytest.approx(numbers, abs=1e-5)


def test_the_modes_are_those_of_openpi() -> None:
    by_spread = Normalisation("z_score", LOW, HIGH)
    assert by_spread.normalise(LOW) == pytest.approx(np.zeros(3))
    assert by_spread.normalise(LOW + HIGH) == pytest.approx(np.ones(3), abs=1e-6)
    by_quantiles = Normalisation("quantile", LOW, HIGH)
    assert by_quantiles.normalise(LOW) == pytest.approx(-np.ones(3))
    assert by_quantiles.normalise(HIGH) == pytest.approx(np.ones(3), abs=1e-5)
    assert by_quantiles.normalise(2 * HIGH - LOW).min() > 2.9  # nothing is clipped
    with pytest.raises(UsageError, match='no normalisation "zscore"; did you mean "z_score"'):
        Normalisation("zscore", LOW, HIGH)


def test_a_spread_of_nothing_explodes_no_number_on_its_way_back() -> None:
    flat = Normalisation("z_score", np.zeros(1), np.zeros(1), 1e-8, 0.0)
    assert flat.unnormalise(np.ones((1, 1))) == 0


def test_deltas_are_taken_from_the_state_before_normalising() -> None:
    state = np.array([1.0, 2.0, 3.0, 4.0])
    plain = Normalisation("identity", np.zeros(4), np.ones(4))
    actions = Normalisation("z_score", LOW, HIGH)
    of = Transforms(plain, actions, (True, False, True), dim=6)
    wanted = RNG.normal(size=(5, 3))
    told = of.actions_in(wanted, state)
    assert told.shape == (5, 6)
    assert told.dtype == np.float32
    assert not told[:, 3:].any()
    relative = wanted - [1.0, 0.0, 3.0]
    assert told[:, :3] == pytest.approx((relative - LOW) / HIGH, abs=1e-5)
    assert of.actions_out(told, state) == pytest.approx(wanted, abs=1e-5)
    assert of.state_in(state).tolist() == [1, 2, 3, 4, 0, 0]


def test_more_numbers_than_there_is_room_for_are_refused() -> None:
    plain = Normalisation("identity", np.zeros(4), np.ones(4))
    with pytest.raises(ValueError, match="4 numbers do not fit into 3"):
        Transforms(plain, plain, dim=3).state_in(np.zeros(4))
