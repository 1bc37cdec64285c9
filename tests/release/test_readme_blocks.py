"""Texts whose numbers are written from published records."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi0bench.cli import main
from pi0bench.errors import UsageError
from pi0bench.records.record import Timing
from pi0bench.records.run_folder import RunFolder
from pi0bench.release.readme_blocks import filled
from tests.fake_records import cell, record

RATES = {("flow", 1): 2, ("flow", 5): 7, ("bc/seed1", 0): 3, ("expert", 0): 8}
"""Of eight episodes on each of two tasks."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with published results, results/9.9/steps."""
    return made(tmp_path_factory.mktemp("root"))


def made(root: Path, roles: dict[str, str] | None = None) -> Path:
    asked = [
        (cell(e, policy=policy, steps=steps, task=task, solver="euler" if steps else "none"), won)
        for (policy, steps), won in RATES.items()
        for task in ("lift", "stack")
        for e in range(8)
    ]
    manifest = {
        "command": "pi0bench run",
        "settings": {
            "engine": "mujoco",
            "renderer": "gl",
            "episodes": 8,
            "seed": 0,
            "tasks": ["lift", "stack"],
        },
        "versions": {},
        "machine": {"system": "Linux", "processor": "x86_64"},
        **({"roles": roles} if roles else {}),
    }
    with RunFolder.open(
        root / "results" / "9.9" / "steps", manifest, [of for of, _ in asked]
    ) as folder:
        for of, won in asked:
            done = record(of, "success" if of.episode < won else "failure")
            folder.append(done, Timing(of.key(), 0.1, 5.0))
    return root


def block(asked: str) -> str:
    return f"<!-- published: {asked} -->\n\nstale\n\n<!-- /published -->\n"


def quoted(root: Path, asked: str) -> str:
    text = filled(block(asked), root / "README.md")
    assert filled(text, root / "README.md") == text
    assert "stale" not in text
    return text


def test_policies_are_quoted_by_success_and_the_best_bold(root: Path) -> None:
    lines = quoted(root, "policies results/9.9/steps").splitlines()
    assert [line for line in lines if line.startswith("| `") or line.startswith("| *")] == [
        "| `flow` | euler | 1 | 5.0 | 4/16, 25.0 % [7.3, 52.4] |",
        "| `flow` | euler | 5 | 5.0 | **14/16, 87.5 % [61.7, 98.4]** |",
        "| `bc/seed1` | - | - | 5.0 | 6/16, 37.5 % [15.2, 64.6] |",
        "| *privileged policies* |  |  |  |  |",
        "| `expert` | - | - | 5.0 | 16/16, 100.0 % [79.4, 100.0] |",
    ]
    assert "all 3 conditions share" in lines[-3]
    assert "privileged policies (expert) stand outside the comparison. n = 16" in lines[-3]


def test_tasks_are_quoted_with_a_column_for_each_condition(root: Path) -> None:
    lines = quoted(root, "tasks results/9.9/steps results/9.9/steps").splitlines()
    head, _, *rows = [line for line in lines if line.startswith("|")]
    assert head.count("`expert`, mujoco") == 2
    assert rows == [f"| `{task}` |" + " 2/8 | 7/8 | 3/8 | 8/8 |" * 2 for task in ("lift", "stack")]


def test_what_a_run_prints_is_quoted_as_code(root: Path) -> None:
    text = quoted(root, "run results/9.9/steps flow:5")
    assert "\n    flow · 5 steps · euler · mujoco / gl / nominal\n    ┏" in text
    assert text.count(" steps ") == 1
    assert "│ lift            │     7/8 │" in text


def test_groups_of_tasks_are_columns(root: Path) -> None:
    text = quoted(root, "steps results/9.9/steps one=lift both=lift+stack expert flow:5")
    assert "| policy | sampler | steps | `one`: lift | `both`: lift, stack |" in text
    assert "| `flow` | euler | 5 | 7/8, 87.5 % [47.3, 99.7] | 14/16, 87.5 % [61.7, 98.4] |" in text
    assert "bc" not in text


def test_a_number_is_quoted_within_a_sentence(root: Path) -> None:
    text = (
        "That is <!-- published: difference results/9.9/steps flow:5 bc/seed1 -->?"
        "<!-- /published -->\nabove <!-- published: rate results/9.9/steps flow:1 tasks=lift -->"
        "<!-- /published -->.\n"
    )
    plain = filled(text, root / "README.md").replace("<!-- /published -->", "")
    assert " -->50.0 points [" in plain
    assert " -->2/8, 25.0 % [3.2, 65.1].\n" in plain


def test_trainings_are_told_beside_the_records(tmp_path: Path) -> None:
    root = made(tmp_path)
    folder = root / "results" / "9.9"
    (folder / "trials.csv").write_text("policy,rate,success\nbc,1e-2,12/50\nbc,3e-3,30/50\n")
    (folder / "trials.md").write_text("Each on *development* starts <b>.\n")
    table = "| policy | rate | success |\n| --- | ---: | ---: |\n| bc | 1e-2 | 12/50 |"
    assert table in quoted(root, "trials results/9.9")
    assert table in quoted(root, "file results/9.9 trials.csv")
    assert main(["report", str(folder)]) == 0
    assert (
        f"## Trainings\n\nEach on *development* starts <b>.\n\n{table}"
        in (folder / "README.md").read_text()
    )
    assert "<em>development</em> starts &lt;b&gt;" in (folder / "index.html").read_text()
    (folder / "trials.csv").write_text("policy,rate\nbc\n")
    with pytest.raises(UsageError, match=r"trials\.csv:2: 1 cells, where 2 are named"):
        quoted(root, "trials results/9.9")


def test_the_commands_fill_the_blocks(tmp_path: Path) -> None:
    run, text = made(tmp_path) / "results" / "9.9" / "steps", tmp_path / "README.md"
    text.write_text(block("run results/9.9/steps expert"))
    assert main(["report", str(text)]) == 0
    first = text.read_text()
    assert "│ lift            │     8/8 │" in first
    text.write_text(block("run results/10/steps expert"))
    out = str(tmp_path / "results" / "10")
    assert main(["publish", str(run), "--out", out, "--readme", str(text)]) == 0
    assert text.read_text() == first.replace("9.9", "10")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n" + block("tables STEPS"), 'md:2: nothing called "tables" is quoted; known: run, '),
        (block(""), 'md:1: nothing called "" is quoted'),
        (block("run"), "md:1: run: name the folder"),
        (block("run results/9.8"), "results/9.8: holds no published run"),
        (block("run STEPS fow"), '"fow" was not measured; known: bc/seed1, expert, flow:1:euler'),
        (block("steps STEPS"), "name a group of tasks"),
        (block("steps STEPS a=lft"), 'no task "lft"; did you mean "lift"'),
        (block("trials results/9.9"), "no trials.csv and no trials.md"),
        (block("file results/9.9"), "name one file"),
        (block("file results/9.9 tasks.csv"), "results/9.9: holds no tasks.csv"),
        (block("policies STEPS x"), 'nothing is asked by "x"'),
        ("a <!-- published: rate STEPS flow --><!-- /published -->", '"flow" is several'),
        ("a <!-- published: difference STEPS expert --><!-- /published -->", "name 2"),
        (block("rate STEPS expert"), "md:1: write it after a word"),
        ("a " + block("run STEPS"), "md:1: write it on a line of its own"),
        ("<!-- published: run STEPS -->\n", "md:1: the block is not closed"),
        ("<!-- published: run STEPS -->\n" * 2 + "<!-- /published -->", "md:1: the block is not"),
        ("a\n\n<!-- /published -->\n", "md:3: closes a block that does not begin"),
    ],
)
def test_what_cannot_be_quoted_is_said(root: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as said:
        filled(text.replace("STEPS", "results/9.9/steps"), root / "README.md")
    assert message in str(said.value)


def test_the_roles_are_those_of_the_manifest(tmp_path: Path) -> None:
    roles = {"flow": "control", "expert": "competes", "bc/seed1": "competes"}
    text = quoted(made(tmp_path, roles), "policies results/9.9/steps")
    assert "| `expert` | - | - | 5.0 | **16/16" in text
    assert text.index("`bc/seed1`") < text.index("*controls*") < text.index("`flow`")
