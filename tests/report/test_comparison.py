from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pi0bench.cli import main
from pi0bench.errors import UsageError
from pi0bench.records.record import Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.comparison import compare, select
from pi0bench.report.comparison_input import Entry
from pi0bench.report.comparison_tables import markdown, print_comparison, sentences
from pi0bench.report.csv_table import comparison_sheet
from pi0bench.report.latex_table import comparison_latex
from pi0bench.stats.paired_tests import paired
from pi0bench.stats.success_intervals import clopper_pearson
from tests.fake_records import cell, record


def outcomes(seed: int, rate: float, n: int = 80) -> list[bool]:
    """Outcomes on shared episodes, of which half are equally hard for everybody."""
    shared, own = np.random.default_rng(0).random(n), np.random.default_rng(seed).random(n)
    hard = np.where(np.arange(n) % 2, shared, own)
    return list(hard < rate)


def measured(won: list[bool], **changes: Any) -> list[Record]:
    """Half the episodes of each of two tasks."""
    found = []
    for i, success in enumerate(won):
        where = {"task": ("sort", "stack")[i % 2], "episode": i // 2}
        of = cell(**{**where, **changes})
        found.append(record(of, "success" if success else "failure"))
    return found


A, B, C = outcomes(1, 0.9), outcomes(2, 0.88), outcomes(3, 0.3)
RECORDS = [
    *measured(A, policy="flow"),
    *measured(B, policy="ddim", solver="ddim"),
    *measured(C, policy="bc", steps=0, solver="none"),
]


def test_each_stands_beside_the_best_on_the_shared_episodes() -> None:
    found = compare({"run": Entry([*RECORDS, *measured([True] * 90, policy="flow", seed=1)])})
    assert (found.n, found.tasks) == (80, ("sort", "stack"))
    best, second, last = found.standings
    assert [s.name for s in found.standings] == ["flow · 10 · euler", "ddim · 10 · ddim", "bc"]
    assert (best.successes, best.interval, best.against) == (
        sum(A),
        clopper_pearson(sum(A), 80),
        None,
    )
    assert second.against == paired(A, B)
    assert last.against == paired(A, C)
    assert (second.p or 0.0) > 0.05 > (last.p or 0.0)
    assert found.tests.best == {best.name, second.name}
    assert last.against
    assert last.these
    assert last.others
    assert last.these.low <= last.against.difference <= last.these.high
    assert last.others.high - last.others.low >= last.these.high - last.these.low - 0.02
    assert found.resolution
    assert 0 < (found.resolution.rho or 0) < 1
    assert 0 < (found.resolution.least or 0) < 0.3


def test_one_policy_of_two_runs_is_named_by_its_run() -> None:
    found = compare({"old": Entry(measured(B, weights="ef56")), "new": Entry(measured(A))})
    assert [s.name for s in found.standings] == ["new · pi0 · 10 · euler", "old · pi0 · 10 · euler"]


def test_worlds_are_named_where_they_differ() -> None:
    found = compare({"run": Entry([*measured(A), *measured(B, engine="pybullet")])})
    assert found.standings[0].name == "pi0 · 10 · euler · mujoco / gl / nominal"


def test_policies_steps_and_tasks_are_chosen_among_those_measured() -> None:
    runs = {"run": Entry(RECORDS)}
    chosen = select(runs, ["flow", "bc"], [10], ["sort"])["run"].records
    assert {(r.cell.policy, r.cell.task) for r in chosen} == {("flow", "sort"), ("bc", "sort")}
    assert compare(select(runs, tasks=["stack"])).tasks == ("stack",)
    assert len(select(runs)["run"].records) == len(RECORDS)
    with pytest.raises(UsageError, match='compare: no task "sorrt"; did you mean "sort"'):
        select(runs, tasks=["sorrt"])


def test_a_single_task_says_nothing_of_others() -> None:
    single = [r for r in RECORDS if r.cell.task == "sort"]
    found = compare({"run": Entry(single)})
    assert all(s.others is None for s in found.standings)
    assert not any("other tasks" in line for line in sentences(found))


def test_what_was_not_measured_is_no_failure() -> None:
    spoilt = [
        record(r.cell, "infra_error", fault="killed") if i == 0 else r
        for i, r in enumerate(RECORDS)
    ]
    assert compare({"run": Entry(spoilt)}).n == 79


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ({"run": measured(A)}, "1 condition; it takes two or more"),
        ({"run": []}, "0 condition"),
        (
            {"run": [*measured(A), *measured(B, policy="bc", seed=1)]},
            "pi0 · 10 · euler, bc · 10 · euler share no episode",
        ),
        (
            {"run": [*measured(A), *measured(B, policy="bc", task_hash="other")]},
            "sort comes in two versions",
        ),
    ],
)
def test_what_cannot_be_compared_is_said(runs: dict[str, list[Record]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare({name: Entry(records) for name, records in runs.items()})


def test_policies_and_steps_can_be_selected() -> None:
    many = {"run": Entry([*RECORDS, *measured(A, policy="flow", steps=5)])}

    def left(policies: tuple[str, ...], steps: tuple[int, ...]) -> set[tuple[str, int]]:
        chosen = select(many, policies, steps)["run"]
        return {(r.cell.policy, r.cell.steps) for r in chosen.records}

    assert left((), ()) == {("flow", 10), ("flow", 5), ("ddim", 10), ("bc", 0)}
    assert left(("flow", "bc"), (5,)) == {("flow", 5), ("bc", 0)}
    with pytest.raises(UsageError, match='no policy "flo"; did you mean "flow"'):
        select(many, ("flo",), ())
    with pytest.raises(UsageError, match="no episode with 7 steps; known: 5, 10"):
        select(many, (), (7,))


def test_all_that_cannot_be_told_from_the_best_is_bold() -> None:
    text = markdown(compare({"run": Entry(RECORDS)}))
    assert "| **flow · 10 · euler** |" in text
    assert "| **ddim · 10 · ddim** |" in text
    assert "| bc |" in text
    assert "n = 80 shared episodes tell apart two policies" in text
    assert text == markdown(compare({"run": Entry(list(reversed(RECORDS)))}))


def test_a_hostile_name_stays_in_its_cell() -> None:
    hostile = "<script>|[red]"
    text = markdown(compare({"run": Entry([*measured(A), *measured(C, policy=hostile)])}))
    assert "&lt;script>\\|[red]" in text


def test_the_command_prints_all_of_it(
    published: Callable[[list[Record]], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = published(RECORDS)
    assert main(["compare", str(folder), "--policy", "flow", "bc"]) == 0
    printed = capsys.readouterr().out
    for words in ("flow · 10 · euler", "bc", "p (Holm)", "rho", "shared episodes tell apart"):
        assert words in printed
    assert "ddim" not in printed


def test_the_command_writes_it_where_asked(
    published: Callable[[list[Record]], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["compare", str(published(RECORDS)), "--out", str(out)]) == 0
    names = ["compare.csv", "compare.md", "compare.tex"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert all(str(out / name) in capsys.readouterr().out for name in names[:1])
    assert (out / "compare.md").read_text() == markdown(compare({"run": Entry(RECORDS)}))
    best, second, last = csv.DictReader((out / "compare.csv").read_text().splitlines())
    assert (best["condition"], best["below_best"]) == ("flow · 10 · euler", "")
    assert [row["not_told_from_best"] for row in (best, second, last)] == ["yes", "yes", "no"]
    assert float(last["below_best"]) == paired(A, C).difference
    tex = (out / "compare.tex").read_text()
    assert r"\textbf{flow $\cdot$ 10 $\cdot$ euler}" in tex
    assert r"\textbf{bc}" not in tex


@pytest.fixture
def published(tmp_path: Path) -> Callable[[list[Record]], Path]:
    """A run's folder with these records."""

    def make(records: list[Record]) -> Path:
        lines = "".join(f"{r.to_line()}\n" for r in records)
        (tmp_path / "episodes.jsonl").write_text(lines)
        return tmp_path

    return make


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., Path]:
    """A run's folder with these records, of all that were planned."""

    def make(name: str, records: list[Record], plan: list[Record], **settings: Any) -> Path:
        said = {"tasks": ["sort", "stack"], "episodes": 40, **settings}
        with RunFolder.open(tmp_path / name, {"settings": said}, [r.cell for r in plan]) as folder:
            folder.rewrite(records, [])
        return tmp_path / name

    return make


def test_a_path_without_a_run_is_named(
    planned: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = str(planned("base", RECORDS, RECORDS))
    planned("empty", [], RECORDS)
    planned("lost", [record(r.cell, "infra_error", fault="x") for r in RECORDS], RECORDS)
    (tmp_path / "bare").mkdir()
    said = {
        "nothere": "no such file or folder; give the folder of a run",
        "bare": "holds no run; give the folder of a run",
        "": f"holds no run; name {tmp_path}/base, {tmp_path}/empty or {tmp_path}/lost",
        "empty": "holds no measured episode",
        "lost": "holds no measured episode",
    }
    for name, why in said.items():
        path = str(tmp_path / name)
        for order in ([path, base], [base, path]):
            assert main(["compare", *order]) == 2
            assert capsys.readouterr().err.startswith(f"pi0bench: {path.rstrip('/')}: {why}")


def test_an_incomplete_run_is_compared_with_a_word(
    planned: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = planned("whole", measured(A, policy="flow"), measured(A, policy="flow"))
    part = planned("part", measured(B)[:-3], measured(B))
    out = tmp_path / "out"
    assert main(["compare", str(whole), str(part), "--out", str(out)]) == 0
    word = f"{part}: INCOMPLETE: 3 of 80 planned episodes are missing"
    assert word in " ".join(capsys.readouterr().out.split())
    assert word in (out / "compare.md").read_text().replace("\\", "")
    assert "INCOMPLETE: 3 of 80" in (out / "compare.tex").read_text()
    assert main(["compare", str(whole), str(planned("all", measured(B), measured(B)))]) == 0
    assert "INCOMPLETE" not in capsys.readouterr().out


def test_a_run_that_was_to_stop_early_makes_the_comparison_sequential(
    planned: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    one = planned("one", measured(A, policy="flow"), measured(A, policy="flow"))
    other = planned("other", measured(B), measured(B), stop_early=True)
    assert main(["compare", str(one), str(other)]) == 0
    printed = capsys.readouterr().out
    assert "e-value of every pair" in printed
    assert "McNemar" not in printed
    assert "Cochran" not in printed


def test_faults_stand_beside_successes() -> None:
    first, *others = measured(C)
    spoilt = [record(first.cell, "policy_fault"), *others]
    found = compare({"run": Entry([*measured(A, policy="flow"), *spoilt])})
    assert [s.faults for s in found.standings] == [0, 1]
    out = io.StringIO()
    print_comparison(found, Console(file=out, width=140))
    for text in (markdown(found), out.getvalue(), comparison_latex(found)):
        assert "faults" in text
    assert [row["policy_faults"] for row in csv.DictReader(comparison_sheet(found).splitlines())]
    assert "faults" not in markdown(compare({"run": Entry(RECORDS)}))
