from __future__ import annotations

import torch

from pi0bench.policy.likely_keypoints import likeliest


def test_the_likeliest_stay_in_the_order_of_all() -> None:
    features = torch.zeros(2, 5, 3)
    features[0, :, 0] = torch.tensor([0.1, 0.9, 0.0, 0.8, 0.2])
    features[1, :, 0] = torch.tensor([0.7, 0.0, 0.6, 0.0, 0.9])
    features[..., 1] = torch.arange(5)
    kept, which = likeliest(features, most=3)
    assert which.tolist() == [[1, 3, 4], [0, 2, 4]]
    assert torch.equal(kept[..., 1], which.float())
    assert torch.equal(kept[0, :, 0], torch.tensor([0.9, 0.8, 0.2]))


def test_where_there_are_no_more_all_stay() -> None:
    features = torch.rand(3, 4, 2, generator=torch.Generator().manual_seed(0))
    kept, which = likeliest(features, most=9)
    assert torch.equal(kept, features)
    assert (which == torch.arange(4)).all()
