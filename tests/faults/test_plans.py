"""A plan that is not sound is told with what was expected, and charged to its row alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pi0bench.evaluate.ask_policy import Chunk, ask
from pi0bench.evaluate.plan_checks import PolicyFault
from pi0bench.policy.policy_protocol import Plan
from tests.evaluate.test_ask_policy import BAD_ROW, CELL, QUESTIONS, bad_row, sound


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nan", "actions: expected finite numbers, got 1 of 56 that are not"),
        ("inf", "actions: expected finite numbers, got 1 of 56 that are not"),
        ("raises", "RuntimeError: no idea"),
        ("writes", "ValueError: assignment destination is read-only"),
    ],
)
def test_only_the_guilty_row_is_charged(
    kind: str, message: str, scripted: Callable[..., Any]
) -> None:
    answers = ask(scripted(lambda obs, *_: bad_row(kind, obs)), QUESTIONS, CELL)
    assert [isinstance(answer, PolicyFault) for answer in answers] == [False, False, True, False]
    assert str(answers[BAD_ROW]) == message


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        (np.zeros((1, 8, 6)), "got float64 (1, 8, 6)"),
        (np.zeros((1, 7, 7)), "got float64 (1, 7, 7)"),
        (np.zeros((2, 8, 7)), "got float64 (2, 8, 7)"),
        (np.zeros((8, 7)), "got float64 (8, 7)"),
        (np.zeros((1, 8, 7), int), "got int64 (1, 8, 7)"),
        ([[0.0] * 7] * 8, "in an array, got list"),
        (np.zeros((1, 8, 7), np.float16), "got float16 (1, 8, 7)"),
        (np.zeros((1, 8, 7), object), "got object (1, 8, 7)"),
        (None, "in an array, got NoneType"),
    ],
)
def test_a_wrong_shape_is_told(returned: Any, got: str, scripted: Callable[..., Any]) -> None:
    policy = scripted(lambda *_: returned)
    for questions in (QUESTIONS[:1], QUESTIONS):
        answers = ask(policy, questions, CELL)
        assert {type(answer) for answer in answers} == {PolicyFault}
        assert {str(answer) for answer in answers} == {
            f"actions: expected floats (1, 8 or more, 7){' ' if got[0] == 'i' else ', '}{got}"
        }


def test_a_policy_may_not_change_a_chunk_afterwards(scripted: Callable[..., Any]) -> None:
    kept = np.zeros((1, 8, 7))
    (answer,) = ask(scripted(lambda *_: kept), QUESTIONS[:1], CELL)
    kept[:] = np.nan
    assert isinstance(answer, Chunk)
    assert np.isfinite(answer.actions).all()


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"trunk_evaluations": 1.5}, "trunk_evaluations: expected counts"),
        ({"trunk_evaluations": -1}, "trunk_evaluations: expected counts"),
        ({"trunk_evaluations": np.zeros(5, int)}, "trunk_evaluations: expected counts"),
        ({"trunk_evaluations": None}, "trunk_evaluations: expected counts"),
        ({"spent_ms": {"eyes": float("nan")}}, "spent_ms: expected milliseconds by eyes"),
        ({"spent_ms": {"thinking": 1.0}}, "spent_ms: expected milliseconds by eyes"),
        ({"spent_ms": 3}, "spent_ms: expected milliseconds by eyes"),
    ],
)
def test_what_a_plan_says_of_itself_is_not_believed_either(
    about: Any, message: str, scripted: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = scripted(sound)
    monkeypatch.setattr(policy, "plan", lambda obs, *_: Plan(sound(obs), **about))
    (answer,) = ask(policy, QUESTIONS[:1], CELL)
    assert isinstance(answer, PolicyFault)
    assert str(answer).startswith(message)
