from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from pi0bench.policy.keypoints import Keypoints, likeliest


def test_the_likeliest_stay_in_the_order_of_all() -> None:
    present = torch.tensor([[0.1, 0.9, 0.0, 0.8, 0.2], [0.7, 0.0, 0.6, 0.0, 0.9]])
    assert likeliest(present, most=3).tolist() == [[1, 3, 4], [0, 2, 4]]


def test_where_there_are_no_more_all_stay() -> None:
    present = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
    assert (likeliest(present, most=9) == torch.arange(4)).all()


def said(log_error: list[float], in_hand_m: torch.Tensor) -> Keypoints:
    """One keypoint at the tool by every estimate but for those in the hand."""
    nothing = torch.zeros(1, 1, 3)
    return Keypoints(
        torch.zeros(1, 1),
        nothing,
        nothing,
        in_hand_m,
        torch.zeros(1, 1, 2),
        torch.tensor([[log_error]]),
        torch.zeros(1, 1, 2, 2),
    )


def felt() -> torch.Tensor:
    """A hand at the origin that points down, turned by 90 degrees."""
    return torch.tensor([[0.0, 0, 0, 0, 1, 0, 1, 0, 0, 0.02, 0, 0, 0]])


def test_what_is_held_is_where_the_hand_has_it() -> None:
    ahead = torch.tensor([[[0.03, 0.0, 0.01]]])
    sure, unsure = [-3.0, -3.0, -9.0], [-9.0, -9.0, -3.0]
    place, error = said(sure, ahead).place_from_tool(felt())
    torch.testing.assert_close(place[0, 0], torch.tensor([0.0, 0.03, -0.01]), atol=1e-4, rtol=0)
    assert error.item() == pytest.approx(-9, abs=0.01)
    place, error = said(unsure, ahead).place_from_tool(felt())
    torch.testing.assert_close(place[0, 0], torch.zeros(3), atol=1e-4, rtol=0)
    assert error.item() == pytest.approx(-9 - 0.5 * math.log(2), abs=0.01)


def test_what_is_held_does_not_move_by_itself() -> None:
    here = torch.zeros(1, 1, 3)
    before = replace(said([-3.0] * 3, here), pos_m=torch.full((1, 1, 3), -0.01))
    assert said([-3.0, -3.0, -9.0], here).moved(before).abs().max() < 1e-4
    torch.testing.assert_close(
        said([-9.0, -9.0, -3.0], here).moved(before), torch.full((1, 1, 3), 0.01), atol=1e-4, rtol=0
    )
