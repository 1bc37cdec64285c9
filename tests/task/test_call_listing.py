from __future__ import annotations

import pytest

from pi0bench.cli import main
from pi0bench.task.call_listing import calls
from pi0bench.task.expert.skill_registry import SKILLS
from pi0bench.task.predicates import PREDICATES


def test_every_call_is_listed_and_explained() -> None:
    listed = {name: says for rows in calls().values() for name, says in rows.items()}
    names = {name.partition("(")[0] for name in listed}
    assert {*SKILLS, *PREDICATES, "in_order", "hits", "wiped", "reward"} <= names
    assert all(says for says in listed.values())
    assert "one joint with a spring" in listed["pressed(button, least_m=0.006)"]


def test_they_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--calls"]) == 0
    printed = capsys.readouterr().out
    assert "put_round(ring, peg, room_m=0.0005, slow_m=0)" in printed
    assert 'with [script] kind = "latches"' in printed
