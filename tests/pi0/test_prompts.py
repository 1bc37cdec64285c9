"""Prompts have the published form."""

from __future__ import annotations

import numpy as np

from pi0bench.pi0.prompts import Bytes, prompt


def said(numbers: np.ndarray, there: np.ndarray) -> str:
    """The text of a prompt of bytes, behind its first number."""
    assert numbers[0] == Bytes.first
    assert not numbers[~there].any()
    return bytes(int(n) - 3 for n in numbers[there][1:]).decode()


def test_pi0_is_told_the_instruction_and_a_new_line() -> None:
    told = prompt(Bytes(), " open_the\ndrawer ", None, 48)
    assert [x.shape for x in told] == [(48,), (48,)]
    assert said(*told) == "open the drawer\n"


def test_pi05_is_told_its_state_in_bins() -> None:
    state = np.array([-1.0, 0.0, 0.999, 1.5, -2.0])
    told = prompt(Bytes(), "open_the drawer", state, 200)
    assert said(*told) == "Task: open the drawer, State: 0 128 255 255 -1;\nAction: "


def test_what_is_too_long_is_cut() -> None:
    numbers, there = prompt(Bytes(), "x" * 100, None, 48)
    assert there.all()
    assert said(numbers, there) == "x" * 47
