"""A policy with a history is served as it is measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from pi0bench.openpi import client_episodes
from pi0bench.openpi.client_episodes import Episodes
from pi0bench.openpi.msgpack_codec import MalformedError
from pi0bench.policy import registry
from pi0bench.policy.policy_protocol import Observation, Plan
from pi0bench.records.record import Record
from pi0bench.records.run_folder import RunFolder
from tests.openpi.conftest import Swaying, serving
from tests.runs import run


class Remembering(Swaying):
    """Goes on as it went before, and looks at how far it came."""

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        plan, rows, memory = super().plan(observations, noise, steps, solver), [], []
        for seen, chunk in zip(observations, plan.actions, strict=True):
            (past,) = seen.past
            came = np.resize(seen.proprio[:3] - past.proprio[:3], 7)
            before = np.zeros(7) if seen.memory is None else seen.memory
            rows.append(np.clip(0.5 * before + 0.5 * chunk + 9 * came, -1, 1))
            memory.append(rows[-1][-1])
        return replace(plan, actions=np.stack(rows), memory=memory)


def measured(policy: str, out: Path) -> list[Record]:
    asked = Settings((policy,), ("reach_cube",), renderer="tiny", episodes=3)
    assert run(asked, out, How(video=False), Console(quiet=True)) == 0
    return RunFolder(out).records()


def test_a_served_policy_that_remembers_gives_the_records_of_the_policy_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = Remembering(n_obs_steps=2)
    monkeypatch.setitem(registry.BASELINES, "remembering", lambda: policy)
    here = measured("remembering", tmp_path / "here")
    with serving(policy) as port:
        there = measured(f"openpi://127.0.0.1:{port}", tmp_path / "there")
    assert [replace(t, cell=h.cell) for t, h in zip(there, here, strict=True)] == here
    assert {record.fault for record in here} == {""}


def seen(episode: Any, step: Any, known: Episodes) -> Observation:
    bare = Observation({}, np.zeros(13, np.float32), "do")
    return known.place(bare, {"episode": episode, "step": step})


def test_a_memory_is_that_of_the_plan_before() -> None:
    known = Episodes()
    for step in (0, 8, 16):
        for _ in range(2):  # a plan that is asked for again
            now = seen("a", step, known)
            assert now.memory == (None if step == 0 else step - 8)
            known.keep(now, step)
    assert seen("a", 0, known).memory is None
    assert seen("", 0, known).memory is None


@pytest.mark.parametrize(
    ("episode", "step", "said"),
    [
        ("b", 8, "'b' has not begun here"),
        ("a", 4, "'a' has not begun here"),
        (5, 8, "a name and a number"),
        ("a", -1, "a name and a number"),
        ("a", True, "a name and a number"),
    ],
)
def test_what_is_not_known_is_told(episode: Any, step: Any, said: str) -> None:
    known = Episodes()
    known.keep(seen("a", 0, known), "memory")
    known.keep(seen("a", 8, known), "memory")
    with pytest.raises(MalformedError, match=said):
        seen(episode, step, known)


def test_old_episodes_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_episodes, "MOST", 2)
    known = Episodes()
    for name in "abac":
        known.keep(seen(name, 0, known), name)
    assert [seen(name, 1, known).memory for name in "ac"] == ["a", "c"]
    with pytest.raises(MalformedError):
        seen("b", 1, known)
