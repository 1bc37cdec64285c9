"""A knock is noticed at the next look: reaction is measured against the episode without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from pi0bench.evaluate import reaction
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.rollout import Outcome, Rollout
from pi0bench.policy.policy_protocol import Observation
from pi0bench.task.task_files import task

EXECUTE, HZ = 4, 20
Scripted = Callable[..., Any]


def followed(observations: Sequence[Observation], *_: Any) -> np.ndarray:
    """Chunks of what the expert, who sees the knocked thing, would do now."""
    acts = [np.array(seen.expert_action()) for seen in observations if seen.expert_action]
    return np.repeat(np.stack(acts)[:, None], 8, axis=1)


@pytest.fixture
def outcomes(scripted: Scripted, cells_of: Scripted) -> Callable[..., list[Outcome]]:
    def make(act: Any, abreast: int = 8, **settings: Any) -> list[Outcome]:
        policy = scripted(act, execute=EXECUTE, role="privileged", solvers=())
        asked = {"episodes": 6, "variations": ("knock-2",), **settings}
        cells = cells_of(policy, "cube_in_bowl", **asked)
        ends = run(cells, policy, task("cube_in_bowl"), None, Stopwatch(), abreast=abreast)
        return sorted(ends, key=lambda end: end.record.cell.episode)

    return make


def test_a_follower_reacts_with_its_next_look(
    outcomes: Callable[..., list[Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    knocked: dict[int, int] = {}
    close = Rollout.close

    def noting(rollout: Rollout) -> None:
        if rollout.twin is None and rollout.env.knocker.at is not None:  # type: ignore[attr-defined]
            knocked[rollout.cell.episode] = rollout.env.knocker.at  # type: ignore[attr-defined]
        close(rollout)

    monkeypatch.setattr(Rollout, "close", noting)
    found = {end.record.cell.episode: end.record.reaction_s for end in outcomes(followed)}
    assert len(knocked) >= 4
    for episode, at in knocked.items():
        assert found[episode] == pytest.approx((EXECUTE - at % EXECUTE) / HZ)
    assert all(found[episode] is None for episode in found.keys() - knocked.keys())


def test_who_does_not_look_does_not_react(outcomes: Callable[..., list[Outcome]]) -> None:
    blind = outcomes(lambda seen, *_: np.zeros((len(seen), 8, 7)))
    assert [end.record.reaction_s for end in blind] == [None] * 6


def test_twins_leave_no_trace_but_the_reaction(outcomes: Callable[..., list[Outcome]]) -> None:
    together, alone = (outcomes(followed, abreast=n) for n in (8, 1))
    assert [end.record.to_line() for end in together] == [end.record.to_line() for end in alone]
    assert len(together) == 6


def test_without_a_knock_nobody_has_a_twin(
    outcomes: Callable[..., list[Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spared: list[object] = []
    monkeypatch.setattr(reaction, "spare", spared.append)
    ends = outcomes(followed, variations=("nominal",), episodes=2)
    assert not spared
    assert all("reaction_s" not in end.record.to_line() for end in ends)
