from __future__ import annotations

import numpy as np
import pytest
import torch

from pi0bench.policy.normalisation import NormStats, normalise_keypoints, normalise_state, state_dim


def test_what_hardly_varies_is_not_blown_up() -> None:
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (1000, 2)).astype(np.float32)
    actions[:, 1] *= 1e-4  # a tilt that nearly every demonstration leaves alone
    stats = NormStats.of(actions, floor=0.1)
    assert stats.std[1] == pytest.approx(0.1)
    low, high = stats.space(16).quantiles
    assert low.tolist() == pytest.approx([-1.7, -1], abs=0.05)
    assert high.tolist() == pytest.approx([1.7, 1], abs=0.05)


def test_network_numbers_are_actions_again() -> None:
    actions = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (500, 7))).float()
    stats = NormStats.of(actions.numpy())
    torch.testing.assert_close(stats.unnormalise(stats.normalise(actions)), actions)
    low, high = stats.space(16).bounds
    torch.testing.assert_close(
        stats.unnormalise(torch.stack([low, high])),
        torch.ones(2, 7) * torch.tensor([[-1.0], [1.0]]),
    )


def test_a_place_enters_from_the_tool_and_from_the_base() -> None:
    proprio = torch.zeros(1, 13)
    proprio[0, :3] = torch.tensor([0.6, 0.1, 0.08])
    features = torch.zeros(1, 1, 10)
    features[..., 0], features[..., 1:4] = 1, torch.tensor([0.1, 0.0, 0.05])
    features[..., 7:] = torch.tensor([0.01, 0.0, -0.02])
    numbers = normalise_keypoints(features, proprio, motion=True)[0, 0]
    base = torch.tensor([0.2 / 0.15, 0.1 / 0.18, 0.05 / 0.1])
    torch.testing.assert_close(numbers[1:4], base)
    torch.testing.assert_close(numbers[4:7], torch.tensor([0.5, 0.0, 0.25]))
    torch.testing.assert_close(numbers[-3:], torch.tensor([1.0, 0.0, -2.0]))
    assert len(normalise_keypoints(features, proprio, motion=False)[0, 0]) == len(numbers) - 3


def test_without_lag_nothing_tells_how_far_the_hand_is_behind() -> None:
    felt = torch.randn(4, 13, generator=torch.Generator().manual_seed(0))
    still = felt.clone()
    still[:, 10:] = 0
    assert normalise_state(felt, lag=True).shape == (4, state_dim(lag=True))
    assert not torch.equal(normalise_state(felt, lag=True), normalise_state(still, lag=True))
    assert normalise_state(felt, lag=False).shape == (4, state_dim(lag=False))
    assert torch.equal(normalise_state(felt, lag=False), normalise_state(still, lag=False))
