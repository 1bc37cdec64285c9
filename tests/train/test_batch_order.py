from __future__ import annotations

import numpy as np

from pi0bench.train.batch_order import order


def test_every_epoch_is_a_new_permutation() -> None:
    items = [np.arange(30)]
    stream = np.concatenate([order(0, items, step, 8) for step in range(15)])
    epochs = stream.reshape(4, 30)
    assert (np.sort(epochs, axis=1) == np.arange(30)).all()
    assert len({tuple(e) for e in epochs}) == 4
    assert not np.array_equal(order(1, items, 0, 8), order(0, items, 0, 8))
    assert np.bincount(order(0, [np.arange(3)], 0, 9)).tolist() == [3, 3, 3]


def test_a_long_task_is_learned_from_no_more_than_a_short_one() -> None:
    groups = [np.arange(5), np.arange(5, 300), np.arange(300, 310)]
    stream = np.concatenate([order(0, groups, step, 8) for step in range(75)])
    which = np.digitize(stream, [5, 300])
    assert np.bincount(which).tolist() == [200, 200, 200]
    for step in range(75):
        assert np.ptp(np.bincount(which[8 * step : 8 * step + 8], minlength=3)) <= 1
    assert np.bincount(stream[which == 0]).tolist() == [40] * 5
    assert len(set(stream[which == 1])) == 200
    first, second = stream[which == 2][:20].reshape(2, 10)
    assert sorted(first) == sorted(second) == list(range(300, 310))
    assert list(first) != list(second)


def test_many_steps_at_once_are_the_same_steps() -> None:
    groups = [np.arange(7), np.arange(7, 20)]
    one_by_one = [order(4, groups, step, 6) for step in range(9)]
    assert np.array_equal(np.concatenate(one_by_one), order(4, groups, 0, 54))
