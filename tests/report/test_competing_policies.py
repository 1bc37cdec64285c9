"""Only what competes is compared; controls and privileged policies stand beside it, and say so."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from pi0bench.cli import main
from pi0bench.errors import UsageError
from pi0bench.evaluate import stop_early
from pi0bench.policy_role import Role
from pi0bench.records.condition import Condition
from pi0bench.records.manifest import Plan
from pi0bench.records.policy_roles import KNOWN, Roles
from pi0bench.records.policy_roles import roles as roles_of
from pi0bench.records.record import Record, Timing
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.comparison import compare
from pi0bench.report.comparison_input import Entry
from pi0bench.report.comparison_tables import markdown as comparison_markdown
from pi0bench.report.comparison_tables import print_comparison
from pi0bench.report.condition_profile import Profile, profiles
from pi0bench.report.csv_table import comparison_sheet, run_sheets
from pi0bench.report.enough_steps import verdicts
from pi0bench.report.figures.series import series_of
from pi0bench.report.headline_table import Headline, headline
from pi0bench.report.latex_table import comparison_latex, run_latex
from pi0bench.report.markdown_table import markdown
from pi0bench.report.resolvable_difference import Resolution
from pi0bench.report.shared_episodes import best
from pi0bench.report.success_table import summarize
from pi0bench.report.terminal_table import compact, print_tables
from pi0bench.stats.confidence_sequences import SEQUENTIAL
from pi0bench.stats.paired_tests import mcnemar, paired
from tests.fake_records import cell, record

N = 40
WON = {"bc": 12, "pi0": 33, "flow": 30, "pi0_zero": 38, "zero": 0, "blind": 0, "expert": 40}
WORLD = ("mujoco", "gl", "nominal")
ORDER = ["pi0", "flow", "bc", "pi0_zero", "blind", "zero", "expert"]


def measured(won: dict[str, int], steps: int = 10) -> list[Record]:
    return [
        record(cell(e, policy=policy, steps=steps), "success" if e < successes else "failure")
        for policy, successes in won.items()
        for e in range(N)
    ]


RECORDS = measured(WON)
COMPETING = [r for r in RECORDS if r.cell.policy not in KNOWN]


def profiled(records: Sequence[Record], roles: Roles = KNOWN) -> tuple[list[Profile], Headline]:
    found = profiles(summarize(records, [], Plan((), 0, roles=roles)), records, [], [])
    return found, headline(found, best(records, roles))


def test_the_best_are_of_those_that_compete() -> None:
    found = best(RECORDS)[WORLD]
    assert {c.policy for c in found.conditions} == {"pi0", "flow"}
    assert found == best(COMPETING)[WORLD]
    assert (found.n, found.of) == (N, 3)
    assert not best(measured({"pi0": 30, "expert": 40}))[WORLD].conditions


def test_an_episode_that_only_the_expert_lacks_is_shared() -> None:
    found = best([r for r in RECORDS if (r.cell.policy, r.cell.episode) != ("expert", 0)])
    assert found[WORLD].n == N


def test_roles_are_the_manifests_where_it_says_them() -> None:
    roles: Roles = {"flow": Role.CONTROL}
    assert {c.policy for c in best(RECORDS, roles)[WORLD].conditions} == {
        *("expert", "pi0", "pi0_zero")
    }
    assert roles_of({"roles": {"flow": "control"}}) == roles
    assert roles_of({"settings": {}}) == roles_of(None) == KNOWN
    with pytest.raises(UsageError, match="flow: no role 'best'; known: competes, control, priv"):
        roles_of({"roles": {"flow": "best"}})
    with pytest.raises(UsageError, match="roles: not an object"):
        roles_of({"roles": ["flow"]})


def test_what_n_resolves_is_of_those_that_compete() -> None:
    assert Resolution.of_records(RECORDS) == Resolution.of_records(COMPETING)
    assert Resolution.of_records(measured({"zero": 0, "expert": 40})).conditions == 2


def test_tables_go_from_the_best_to_the_worst_then_come_the_others() -> None:
    found, head = profiled(RECORDS)
    assert [p.condition.policy for p in found] == ORDER
    assert list(head.above) == ["", "", "", "controls", "", "", "privileged policies"]
    assert [line.label for line in head.lines][2:4] == ["bc · 10", "pi0_zero (control) · 10"]
    (note,) = head.notes
    assert "all 3 conditions share" in note
    assert note.endswith(
        "; controls (blind, pi0_zero, zero) and privileged policies (expert) stand outside the "
        "comparison."
    )
    assert "outside" not in profiled(COMPETING)[1].notes[0]


def test_every_table_sets_them_apart() -> None:
    _, head = profiled(RECORDS)
    rows = summarize(RECORDS, [])
    text = markdown(rows, [])
    assert text.index("| bc |") < text.index("| *controls* |") < text.index("| pi0_zero |")
    assert text.index("| zero |") < text.index("| *privileged policies* |")
    tex = run_latex(head, [])
    assert tex.count("\\midrule\n\\textit{") == 2
    assert tex.index(r"\textit{controls} &") < tex.index("blind")
    sheet = list(csv.DictReader(run_sheets(rows, best(RECORDS))[0].splitlines()))
    assert [row["policy"] for row in sheet] == ORDER
    assert [row["role"] for row in sheet] == [*["competes"] * 3, *["control"] * 3, "privileged"]
    assert [row["not_told_from_best"] for row in sheet] == ["yes", "yes", *["no"] * 5]
    out = io.StringIO()
    print_tables([compact(head)], Console(file=out, width=100, force_terminal=False))
    words = [line.split()[0] for line in out.getvalue().splitlines() if line.split()]
    named = [word for word in words if word in {*ORDER, "controls:", "privileged"}]
    assert named == [*ORDER[:3], "controls:", *ORDER[3:6], "privileged", "expert"]


def test_a_table_of_one_kind_has_no_heading() -> None:
    assert set(profiled(COMPETING)[1].above) == {""}
    assert set(profiled(measured({"zero": 0, "random": 1}))[1].above) == {""}


def test_step_counts_rise_where_their_policy_stands() -> None:
    records = [*measured({"bc": 20, "pi0": 10}, 1), *measured({"bc": 15, "pi0": 30}, 5)]
    found, _ = profiled(records)
    asked = [(p.condition.policy, p.condition.steps) for p in found]
    assert asked == [("pi0", 1), ("pi0", 5), ("bc", 1), ("bc", 5)]


def test_figures_and_verdicts_name_the_role() -> None:
    lines = series_of(Condition.of(r) for r in RECORDS)
    assert "expert (privileged)" in [line.label for line in lines]
    judged = verdicts([*measured({"blind": 20, "pi0": 10}, 1), *measured({"blind": 5, "pi0": 9})])
    assert [(v.policy, v.role) for v in judged] == [
        ("pi0", Role.COMPETES),
        ("blind", Role.CONTROL),
    ]


def test_stop_early_waits_for_those_that_compete() -> None:
    first = cell(0, policy="pi0")
    asked = stop_early.evidence(RECORDS, first)
    assert [name.split(" · ")[0] for name in asked] == ["bc", "flow"]
    assert asked == stop_early.evidence(COMPETING, first)
    only = stop_early.evidence(measured({"pi0": 33, "pi0_zero": 38}), first)
    assert [name.split(" · ")[0] for name in only] == ["pi0_zero"]


def test_compare_tests_those_that_compete_and_shows_the_others_beside_the_best() -> None:
    found = compare({"run": Entry(RECORDS)})
    assert [s.name.split(" · ")[0] for s in found.standings] == ORDER
    assert found.tests == compare({"run": Entry(COMPETING)}).tests
    assert {name.split(" · ")[0] for name in found.best} == {"pi0", "flow"}
    assert [s.p is None for s in found.standings] == [True, False, False, *[True] * 4]
    zero = found.standings[3]
    assert zero.against
    assert (zero.against.difference, zero.against.p) == (-0.125, mcnemar(0, 5))
    text = comparison_markdown(found)
    assert "3 in all" in text
    assert "uncorrected): pi0_zero · 10 · euler (control) p = 0.062" in text
    assert text.index("*controls*") < text.index("| pi0_zero") < text.index("*privileged policies*")
    assert r"\textit{controls}" in comparison_latex(found)
    sheet = list(csv.DictReader(comparison_sheet(found).splitlines()))
    assert [row["role"] for row in sheet][2:4] == ["competes", "control"]
    out = io.StringIO()
    print_comparison(found, Console(file=out, width=100, force_terminal=False))
    assert out.getvalue().index("controls:") < out.getvalue().index("pi0_zero")


def test_what_stands_outside_is_tested_as_the_run_asks() -> None:
    found = compare({"run": Entry(RECORDS, sequential=True)})
    zero = found.standings[3]
    assert zero.against == paired(
        [True] * 33 + [False] * 7, [True] * 38 + [False] * 2, methods=SEQUENTIAL
    )
    text = comparison_markdown(found)
    assert "(e-value, uncorrected): pi0_zero" in text
    assert "McNemar" not in text


def test_one_beside_a_control_is_told_without_a_best() -> None:
    found = compare({"run": Entry(measured({"pi0": 33, "pi0_zero": 38}))})
    assert not found.best
    text = comparison_markdown(found)
    assert "Not distinguishable" not in text
    assert "**" not in text
    assert "pi0_zero · 10 · euler (control) p = 0.062" in text


def test_where_nobody_competes_all_are_compared() -> None:
    found = compare({"run": Entry(measured({"zero": 0, "random": 3, "expert": 40}))})
    assert [s.name.split(" · ")[0] for s in found.standings] == ["expert", "random", "zero"]
    assert len(found.tests.pairs) == 3


def test_the_command_reads_roles_from_the_manifest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of = {
        "settings": {"tasks": [RECORDS[0].cell.task], "episodes": N},
        "roles": {**dict.fromkeys(WON, "competes"), "bc": "control"},
    }
    with RunFolder.open(tmp_path, of, [r.cell for r in RECORDS]) as folder:
        for one in RECORDS:
            folder.append(one, Timing(one.cell.key(), 0.1, None))
    assert main(["compare", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "Not distinguishable from the best: expert · 10 · euler, pi0_zero" in said
    assert "bc · 10 · euler (control) p = " in said
