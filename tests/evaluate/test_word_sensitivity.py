"""Word sensitivity: who follows the words is told from who does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pi0bench.envs.render.choose_renderer import make
from pi0bench.evaluate.word_sensitivity import TASKS, Asked, ask, followed
from pi0bench.policy.policy_protocol import Observation, Plan, Traits

EPISODES = 3


class Pointer:
    """Heads for the thing whose colour is named, by knowledge of its own; or always for one."""

    def __init__(self, asked: Sequence[Asked], listens: bool) -> None:
        self.name, self.traits = "pointer", Traits(weights="", rows=8)
        self._asked, self._listens = {id(one.observation): one for one in asked}, listens

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        rows = []
        for seen in observations:
            one = self._asked[id(seen)]
            rows.append(np.zeros((16, 7)))
            rows[-1][:8, :2] = one.places[one.named if self._listens else 0]
        return Plan(np.stack(rows), np.zeros(len(rows), np.int64))


@pytest.mark.parametrize("task", TASKS)
def test_every_thing_is_named_once_and_who_listens_is_told_apart(task: str) -> None:
    renderer = make("tiny")
    asked = ask(task, EPISODES, renderer, 32)
    renderer.close()
    count = 2 if task == "stack_two_cubes" else 3
    assert [one.named for one in asked] == list(range(count)) * EPISODES
    for start in range(0, len(asked), count):
        texts = [one.observation.instruction for one in asked[start : start + count]]
        assert len(set(texts)) == count
        assert len({tuple(sorted(text.split())) for text in texts}) == (1 if count == 2 else 3)
    assert followed(Pointer(asked, listens=True), asked, 0, "") == (len(asked), len(asked))
    assert followed(Pointer(asked, listens=False), asked, 0, "") == (EPISODES, len(asked))
