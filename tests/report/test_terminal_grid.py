from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence

import pytest
from rich.cells import cell_len
from rich.console import Console

from pi0bench.doctor import Finding, print_findings
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.report.comparison import Entry, compare
from pi0bench.report.comparison_tables import print_comparison
from pi0bench.report.condition_profile import profiles
from pi0bench.report.headline_table import headline
from pi0bench.report.shared_episodes import best
from pi0bench.report.success_table import summarize
from pi0bench.report.terminal_grid import FIRST_TO_GO, Column, Line, print_grid
from pi0bench.report.terminal_table import compact, condition_tables, print_tables

Cells = Callable[..., Cell]
Records = Callable[..., Record]

WIDTHS = (*range(40, 100), 100, 120, 160, 200)
TASKS = ("any_cube", "left_or_right_cube", "stack_two_cubes")


def drawn(width: int, show: Callable[[Console], None]) -> list[str]:
    out = io.StringIO()
    show(Console(file=out, width=width, force_terminal=False))
    return out.getvalue().splitlines()


def joined(lines: Sequence[str]) -> str:
    """All words without what separates them: a name that is folded is whole again."""
    return re.sub(r"[\s│┃|]", "", "\n".join(lines))


@pytest.fixture(scope="module")
def measured() -> Callable[[Cells, Records], tuple[list[Record], list[Timing]]]:
    def make(make_cell: Cells, make_record: Records) -> tuple[list[Record], list[Timing]]:
        records = [
            make_record(
                make_cell(e, policy=policy, task=task, steps=steps),
                "success" if e < won else "failure",
            )
            for policy, steps, won in (("pi0", 10, 49), ("pi0", 100, 40), ("rectified", 2, 33))
            for task in TASKS
            for e in range(50)
        ]
        return records, [Timing(r.cell.key(), 1.0, 1234.56) for r in records]

    return make


@pytest.fixture
def tables(
    measured: Callable[[Cells, Records], tuple[list[Record], list[Timing]]],
    make_cell: Cells,
    make_record: Records,
) -> dict[str, tuple[Callable[[Console], None], Sequence[str], Sequence[str]]]:
    """How each is printed, the names that must be in it, and the numbers that must be whole."""
    records, timings = measured(make_cell, make_record)
    rows = summarize(records, timings)
    alone = [*condition_tables([r for r in rows if r.condition.policy == "rectified"])]
    sides = compact(headline(profiles(rows, records, timings, []), best(records)))
    found = compare({"a": Entry(records)})
    finding = Finding("no OpenGL: libEGL.so.1 cannot be opened", "install libegl1 or libosmesa6")
    return {
        "run": (
            lambda c: print_tables(alone, c),
            TASKS,
            ["33/50", "99/150", "[51.2, 78.8]"],
        ),
        "several": (
            lambda c: print_tables([sides], c),
            ["pi0", "rectified", "euler"],
            ["98.0", "[94.3, 99.6]", "66.0", "[57.8, 73.5]"],
        ),
        "compare": (
            lambda c: print_comparison(found, c),
            ["pi0·10·euler", "rectified·2·euler"],
            ["147/150", "99/150", "98.0 % [94.3, 99.6]"],
        ),
        "doctor": (
            lambda c: print_findings({"tiny renderer": finding}, c),
            ["tiny", "renderer", "hint", "libosmesa6"],
            [],
        ),
    }


@pytest.mark.parametrize("table", ["run", "several", "compare", "doctor"])
def test_names_stay_and_numbers_are_whole_at_every_width(
    table: str, tables: dict[str, tuple[Callable[[Console], None], Sequence[str], Sequence[str]]]
) -> None:
    show, names, numbers = tables[table]
    for width in WIDTHS:
        lines = drawn(width, show)
        text = "\n".join(lines)
        assert "…" not in text, width
        grid = [
            line for line in lines if not re.match(r"Success in|\S+ episodes|[0-9]+ shared", line)
        ]
        for name in names:
            assert name in joined(lines), (width, name)
        for number in numbers:
            assert number in text, (width, number)
        if table != "compare":  # its sentences are no table
            assert max(map(cell_len, grid)) <= width, width


def test_groups_are_named_and_faults_counted_at_every_width(
    make_cell: Cells, make_record: Records
) -> None:
    records = [
        make_record(make_cell(e, policy=policy, task=task), "policy_fault" if e < 7 else "success")
        for policy in ("pi0", "random", "expert")
        for task in TASKS
        for e in range(50)
    ]
    rows = summarize(records, [])
    sides = compact(headline(profiles(rows, records, [], []), best(records)))
    found = compare({"a": Entry(records)})
    for width in WIDTHS:
        for show in (lambda c: print_tables([sides], c), lambda c: print_comparison(found, c)):
            text = "\n".join(drawn(width, show))
            for word in ("controls:", "privileged", "policies:", "faults"):
                assert word in text, (width, word)
            assert len(re.findall(r"\b21\b", text)) >= 3, width


def test_what_has_no_room_is_named() -> None:
    columns = [Column("task", "name"), Column("success"), Column("rate", goes="rate")]
    columns += [Column("evals/\nre-plan", goes="evaluations")]
    lines = [Line(["left_or_right_cube", "50/50", "100.0 %", "10"])]
    wide = drawn(80, lambda c: print_grid(columns, lines, c, "They are elsewhere."))
    assert "No room" not in "".join(wide)
    narrow = " ".join(drawn(36, lambda c: print_grid(columns, lines, c, "They are elsewhere.")))
    assert re.search(r"No room for evals/re-plan in 36\s+columns\. They\s+are elsewhere\.", narrow)
    assert "100.0 %" in narrow


def test_columns_go_in_one_order() -> None:
    columns = [Column("name", "name"), *(Column(f"<{kind}>", goes=kind) for kind in FIRST_TO_GO)]
    lines = [Line(["x", *("123456789" for _ in FIRST_TO_GO)])]
    gone = [
        [kind for kind in FIRST_TO_GO if f"<{kind}>" not in head[0]]
        for head in (
            drawn(width, lambda c: print_grid(columns, lines, c)) for width in range(40, 130)
        )
        if head[0].startswith("name")
    ]
    assert len({len(kinds) for kinds in gone}) > 3
    for kinds in gone:
        assert kinds == list(FIRST_TO_GO[: len(kinds)])


def test_where_no_table_fits_each_row_is_a_paragraph() -> None:
    columns = [Column("condition", "name"), Column("rate"), Column("points")]
    lines = [Line(["pi0 · 10 · euler", "98.0 % [89.4, 99.9]", "-12.3 [-20.1, -3.2]"])]
    assert drawn(40, lambda c: print_grid(columns, lines, c)) == [
        "pi0 · 10 · euler",
        "  rate    98.0 % [89.4, 99.9]",
        "  points  -12.3 [-20.1, -3.2]",
    ]


def test_wide_characters_and_hostile_names_keep_the_columns() -> None:
    columns = [Column("task", "name"), Column("success")]
    lines = [Line(["積み木" * 20, "1/2"]), Line(["[b]\x1b[31m\u202ea\nb\x9b", "2/2"])]
    for width in (20, 40, 80):
        text = drawn(width, lambda c: print_grid(columns, lines, c))
        assert max(map(cell_len, text)) <= width
        assert joined(text).count("積") == 20
        assert "[b]?[31m?a" in joined(text)


def test_a_name_is_said_once_in_its_section_and_always_in_a_paragraph() -> None:
    columns = [Column("policy", "name", once=True), Column("steps")]
    lines = [Line(["pi0", "1"]), Line(["pi0", "10"], ends=True), Line(["pi0", "1"])]
    assert joined(drawn(40, lambda c: print_grid(columns, lines, c))).count("pi0") == 2
    assert joined(drawn(6, lambda c: print_grid(columns, lines, c))).count("pi0") == 3


def test_a_notebook_shows_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("rich.jupyter.display", lambda _, text: shown.append(text))
    columns = [Column("task", "name"), Column("success")]
    console = Console(force_jupyter=True, width=60)
    print_grid(columns, [Line(["a<b>_cube", "49/50"])], console)
    assert "a<b>_cube" in "".join(shown)
    assert "49/50" in "".join(shown)
