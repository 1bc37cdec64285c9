"""Chunks of clean actions, and which of them a policy could know."""

from __future__ import annotations

import numpy as np

from pi0bench.data.training_windows import chunks

CHUNK = 16


def numbered(steps: int) -> np.ndarray:
    return np.repeat(np.arange(steps, dtype=np.float32)[:, None], 7, axis=1)


def test_a_chunk_is_the_next_actions() -> None:
    rows, valid = chunks(numbered(40), np.zeros(40, bool), CHUNK)
    assert rows.shape == (40, CHUNK, 7)
    assert rows[3, :, 0].tolist() == list(range(3, 3 + CHUNK))
    assert valid[:24].all()


def test_nothing_after_the_end_counts() -> None:
    _, valid = chunks(numbered(20), np.zeros(20, bool), CHUNK)
    assert valid.sum(1).tolist() == [min(CHUNK, 20 - i) for i in range(20)]


def test_actions_after_a_push_do_not_count_but_the_pushed_steps_own_does() -> None:
    disturbed = np.zeros(40, bool)
    disturbed[10:13] = True
    _, valid = chunks(numbered(40), disturbed, CHUNK)
    assert valid[8].tolist() == [True] * 3 + [False] * (CHUNK - 3)
    assert valid[10].sum() == 1
    assert valid[13].all()
