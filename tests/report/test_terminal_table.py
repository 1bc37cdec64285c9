from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence

import pytest
from rich.console import Console

from pi0bench.records.record import Cell, Record, Timing
from pi0bench.report.condition_profile import profiles
from pi0bench.report.headline_table import headline
from pi0bench.report.shared_episodes import best
from pi0bench.report.success_table import summarize
from pi0bench.report.terminal_table import Table, compact, print_tables

Cells = Callable[..., Cell]
Records = Callable[..., Record]
Printed = Callable[..., str]

POLICIES = (
    *("bc", "consistency", "ddim", "ddpm", "dpm", "flow", "mip", "nflow", "openvla", "pi0"),
    *("pi0_zero", "rectified", "sde"),
)


def sides(records: list[Record], timings: list[Timing]) -> Table:
    found = profiles(summarize(records, timings), records, timings, [])
    return compact(headline(found, best(records)))


@pytest.fixture
def printed(make_cell: Cells, make_record: Records) -> Printed:
    def text(
        policies: Sequence[str],
        steps: Sequence[int],
        tasks: Sequence[str],
        solver: str = "reverse_sde",
        width: int = 100,
        **changes: object,
    ) -> str:
        records = [
            make_record(
                make_cell(e, policy=policy, steps=k, task=task, solver=solver, **changes),
                "success" if e < 8 else "failure",
            )
            for policy in policies
            for k in steps
            for task in tasks
            for e in range(9)
        ]
        timings = [Timing(r.cell.key(), 1.0, 1234.56) for r in records]
        out = io.StringIO()
        console = Console(file=out, width=width, force_terminal=False)
        print_tables([sides(records, timings)], console)
        return out.getvalue()

    return text


def test_thirteen_policies_fit_and_keep_their_numbers(printed: Printed) -> None:
    text = printed(POLICIES, (1, 2, 5, 100), ("any_cube", "past_the_wall", "sort_two_cubes"))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert "…" not in text
    assert len(re.findall(r" 88\.9 +\[", text)) == text.count(" 1234.6") == 13 * 4
    for policy in POLICIES:
        assert sum(line.split()[:1] == [policy] for line in lines) == 1
    assert lines[0] == ("Success in %, mean of 3 tasks, 9 episodes a task · mujoco / gl / nominal")


def test_policies_without_a_sampler_stand_together(printed: Printed) -> None:
    lines = printed(("bc", "mip"), (0,), ("lift",), solver="none").splitlines()
    (bc,) = [place for place, line in enumerate(lines) if line.split()[:1] == ["bc"]]
    assert lines[bc].split()[:3] == ["bc", "-", "-"]
    assert lines[bc + 1].split()[:3] == ["mip", "-", "-"]
    assert "success" in "".join(lines)


def test_too_many_tasks_get_no_column(printed: Printed) -> None:
    assert "task_4" in printed(("pi0",), (1,), [f"task_{i}" for i in range(5)]).replace("_\n", "_")
    assert "task_5" not in printed(("pi0",), (1,), [f"task_{i}" for i in range(6)])


def test_long_names_lose_no_number(printed: Printed) -> None:
    text = printed(("policy" * 20,), (1, 10), ("a" * 60, "b" * 60), solver="solver" * 8)
    assert max(map(len, text.splitlines())) <= 100
    assert len(re.findall(r" 88\.9 +\[", text)) == text.count("1234.6") == 2
    assert "…" not in text


def test_a_narrow_terminal_loses_no_number(printed: Printed) -> None:
    text = printed(("pi0",), (1, 10), ("past_the_wall", "sort_two_cubes", "x"), width=60)
    assert max(map(len, text.splitlines()[1:])) <= 60
    assert len(re.findall(r" 88\.9 +\[", text)) == text.count("1234.6") == 2


def test_hostile_names_are_shown_and_not_obeyed(printed: Printed) -> None:
    text = printed(("p[bold]\x1b[31m",), (1,), ("[red]_evil\n", "b|c"), engine="[blink]")
    assert "p[bold]?[31m" in text
    assert "[red]" in text
    assert "[blink]" in text
    assert "\x1b" not in text


def test_worlds_that_differ_are_a_column(make_cell: Cells, make_record: Records) -> None:
    records = [make_record(make_cell(0, engine=engine)) for engine in ("mujoco", "pybullet")]
    out = io.StringIO()
    print_tables([sides(records, [])], Console(file=out, width=100))
    text = out.getvalue()
    assert "engine" in text
    assert "pybullet" in text
    assert "renderer" not in text
