from __future__ import annotations

import torch

from pi0bench.policy.keypoints import likeliest


def test_the_likeliest_stay_in_the_order_of_all() -> None:
    present = torch.tensor([[0.1, 0.9, 0.0, 0.8, 0.2], [0.7, 0.0, 0.6, 0.0, 0.9]])
    assert likeliest(present, most=3).tolist() == [[1, 3, 4], [0, 2, 4]]


def test_where_there_are_no_more_all_stay() -> None:
    present = torch.rand(3, 4, generator=torch.Generator().manual_seed(0))
    assert (likeliest(present, most=9) == torch.arange(4)).all()
